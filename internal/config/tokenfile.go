package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keptIn is the name of the file in DATA_DIR.
const keptIn = "webex-token.json"

// HasServiceApp reports whether the settings name a service app, which makes its
// own access tokens.
func (w Webex) HasServiceApp() bool { return w.RefreshToken != "" }

// TokenFile keeps a service app's tokens on one machine, in a file that only its
// owner reads. It begins with the tokens in the settings; settings that name
// another refresh token begin anew.
type TokenFile struct {
	path  string
	begin Webex
}

// NewTokenFile returns the one in a folder, which exists. It reads nothing.
func NewTokenFile(dataDir string, s Webex) *TokenFile {
	return &TokenFile{path: filepath.Join(dataDir, keptIn), begin: s}
}

// keptTokens are what a service app's tokens have become: the content of the file, and
// of the secret on AWS.
type keptTokens struct {
	Access  string `json:"WEBEX_ACCESS_TOKEN"`
	Refresh string `json:"WEBEX_REFRESH_TOKEN"`
	// Seed is a hash of the refresh token in the settings that these come from.
	Seed string `json:"seed"`
}

// Load returns the tokens as they are now.
func (f *TokenFile) Load(context.Context) (access, refresh string, err error) {
	kept, err := f.read()
	if err != nil {
		return "", "", err
	}
	return kept.Access, kept.Refresh, nil
}

// Webex returns the settings with the access token as it is now.
func (f *TokenFile) Webex(context.Context) (Webex, error) {
	kept, err := f.read()
	s := f.begin
	if err == nil {
		s.AccessToken = kept.Access
	}
	return s, err
}

func (f *TokenFile) read() (keptTokens, error) {
	begin := f.begin.tokens()
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return begin, nil
	}
	if err != nil {
		return keptTokens{}, fmt.Errorf("read the Webex token: %w", err)
	}
	const longest = 64 << 10
	text, err := io.ReadAll(io.LimitReader(file, longest))
	if err = errors.Join(err, file.Close()); err != nil {
		return keptTokens{}, fmt.Errorf("read the Webex token: %w", err)
	}
	var kept keptTokens
	// The parser's own error would quote the token.
	if json.Unmarshal(text, &kept) != nil || kept.Seed == "" {
		return keptTokens{}, fmt.Errorf("%s is not what was written there: delete it to begin with WEBEX_REFRESH_TOKEN again", f.path)
	}
	if kept.Seed != begin.Seed {
		return begin, nil
	}
	return kept, nil
}

// tokens are those in the settings, with which it begins.
func (w Webex) tokens() keptTokens {
	sum := sha256.Sum256([]byte(w.RefreshToken))
	return keptTokens{Access: w.AccessToken, Refresh: w.RefreshToken, Seed: hex.EncodeToString(sum[:])}
}

// Store replaces the tokens, all or nothing even if the machine stops, if used
// is still the refresh token. The file has the mode 0600.
func (f *TokenFile) Store(_ context.Context, used, access, refresh string) error {
	kept, err := f.read()
	if err != nil {
		return err
	}
	if kept.Refresh != used {
		return errReplaced
	}
	text, err := json.Marshal(keptTokens{Access: access, Refresh: refresh, Seed: f.begin.tokens().Seed})
	if err != nil {
		return fmt.Errorf("write the Webex token: %w", err)
	}
	if err := replaceFile(f.path, text); err != nil {
		return fmt.Errorf("write the Webex token: %w", err)
	}
	return nil
}

var errReplaced = errors.New("the refresh token was replaced meanwhile, and stays as it is")

// replaceFile puts a file with the mode 0600 in the place of another. Whoever
// reads sees the one or the other.
func replaceFile(path string, text []byte) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	// The name is safe once the folder is.
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
