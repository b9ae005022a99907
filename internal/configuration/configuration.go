// Package configuration keeps the configuration that an administrator brings, the
// text of provisioning.yaml, in the ledger: each version with its time and who
// applied it. What is in force is read by every part of the system, and changes
// without a deployment.
package configuration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

const (
	indexName = "configuration"
	// maxVersions is how many versions the index tells of.
	maxVersions = 200
)

// ErrOutdated says that another version came into force since the one that was
// looked at.
var ErrOutdated = errors.New("another version came into force meanwhile")

// Version is a configuration that is or was in force.
type Version struct {
	// Number counts from 1; 0 is the default that the program brings.
	Number int `json:"number"`
	// At is when it came into force, By who applied it, Note why; zero of the
	// default.
	At   time.Time `json:"at,omitzero"`
	By   string    `json:"by,omitempty"`
	Note string    `json:"note,omitempty"`
	// Restores is the version that this one takes up again: what came since and is
	// not in it goes from Webex, too. Nil if it takes up none.
	Restores *int `json:"restores,omitempty"`
	// Hash is the SHA-256 of the text, in hexadecimal digits.
	Hash string `json:"hash"`
}

// Stored is a version and its text.
type Stored struct {
	Version

	Text []byte `json:"text"`
}

// index is what is kept of all versions.
type index struct {
	// Versions are the latest, in their order. The last is in force.
	Versions []Version `json:"versions,omitempty"`
	// Evaluated is the version by which everybody was evaluated last.
	Evaluated int `json:"evaluated,omitempty"`
}

func (x index) current() Version {
	if len(x.Versions) == 0 {
		return Version{}
	}
	return x.Versions[len(x.Versions)-1]
}

// Store keeps versions. It is safe for concurrent use, by any number of processes.
type Store struct {
	Documents document.Store
	// Default is the text that serves while none was applied, Name the file that it
	// is from.
	Default []byte
	Name    string
	Now     func() time.Time
}

func (s *Store) index() document.Document[index] {
	return document.Document[index]{Store: s.Documents, Name: indexName}
}

// text is the document of a text, which is never written over: it is named by what
// is in it.
func (s *Store) text(hash string) document.Document[string] {
	return document.Document[string]{Store: s.Documents, Name: indexName + " " + hash[:16]}
}

// InForce returns the version that is in force.
func (s *Store) InForce(ctx context.Context) (Version, error) {
	x, err := s.index().Read(ctx)
	if err != nil {
		return Version{}, err
	}
	if v := x.current(); v.Number > 0 {
		return v, nil
	}
	return s.byDefault().Version, nil
}

// Pending returns the version by which everybody was evaluated last, if another is
// in force.
func (s *Store) Pending(ctx context.Context) (evaluated int, pending bool, err error) {
	x, err := s.index().Read(ctx)
	return x.Evaluated, x.Evaluated != x.current().Number, err
}

// Evaluated notes that everybody was evaluated by this version.
func (s *Store) Evaluated(ctx context.Context, number int) error {
	return s.index().Update(ctx, func(x *index) (bool, error) {
		changed := x.Evaluated != number
		x.Evaluated = number
		return changed, nil
	})
}

// Read returns a version with its text.
func (s *Store) Read(ctx context.Context, number int) (Stored, error) {
	if number == 0 {
		return s.byDefault(), nil
	}
	x, err := s.index().Read(ctx)
	if err != nil {
		return Stored{}, err
	}
	for _, v := range x.Versions {
		if v.Number != number {
			continue
		}
		text, err := s.text(v.Hash).Read(ctx)
		if err == nil && hashOf([]byte(text)) != v.Hash {
			err = errors.New("what is stored is not what was applied")
		}
		if err != nil {
			return Stored{}, fmt.Errorf("read version %d of the configuration: %w", number, err)
		}
		return Stored{Version: v, Text: []byte(text)}, nil
	}
	return Stored{}, fmt.Errorf("there is no version %d of the configuration: entrawebex mapping history lists them", number)
}

// History returns the versions that were in force, the latest first, the default
// last.
func (s *Store) History(ctx context.Context) ([]Version, error) {
	x, err := s.index().Read(ctx)
	if err != nil {
		return nil, err
	}
	history := make([]Version, 0, len(x.Versions)+1)
	for i := range x.Versions {
		history = append(history, x.Versions[len(x.Versions)-1-i])
	}
	return append(history, s.byDefault().Version), nil
}

// Apply brings a text into force after the version that it was compared with, which
// is in force; it must have been parsed before. By whom and why is taken from the
// Version, the rest is filled in. It returns ErrOutdated where that is another one by
// now. A text that is in force already stays what it is.
func (s *Store) Apply(ctx context.Context, text []byte, after int, v Version) (Version, error) {
	v.At, v.Hash = s.Now().UTC(), hashOf(text)
	err := s.text(v.Hash).Update(ctx, func(kept *string) (bool, error) {
		changed := *kept != string(text)
		*kept = string(text)
		return changed, nil
	})
	if err != nil {
		return Version{}, err
	}
	err = s.index().Update(ctx, func(x *index) (bool, error) {
		now := x.current()
		switch {
		case now.Hash == v.Hash && (now.Number == after || now.Number == after+1):
			v = now // applied already, or by a try whose answer was lost
			return false, nil
		case now.Number != after:
			return false, ErrOutdated
		}
		v.Number = now.Number + 1
		x.Versions = append(x.Versions, v)
		x.Versions = x.Versions[max(0, len(x.Versions)-maxVersions):]
		return true, nil
	})
	if err != nil {
		return Version{}, fmt.Errorf("bring a configuration into force: %w", err)
	}
	return v, nil
}

func (s *Store) byDefault() Stored {
	return Stored{Version: Version{Hash: hashOf(s.Default)}, Text: s.Default}
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
