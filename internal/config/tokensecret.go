package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// TokenSecret keeps a service app's tokens in an AWS secret of their own, so that what an
// administrator writes is written by nobody else. It begins with the refresh token that
// the administrator gives, and anew whenever that is another: which one a kept token
// comes from is kept with it, as a hash.
type TokenSecret struct {
	client *secretsmanager.Client
	arn    string
	// given are the settings as the administrator gives them now.
	given func(ctx context.Context) (Webex, error)
}

// NewTokenSecret returns the secret with that ARN. It reads nothing.
func NewTokenSecret(client *secretsmanager.Client, arn string, given func(ctx context.Context) (Webex, error)) *TokenSecret {
	return &TokenSecret{client: client, arn: arn, given: given}
}

// secretARNs splits what SECRET_ARN says.
func secretARNs(text string) []string {
	var arns []string
	for arn := range strings.SplitSeq(text, ",") {
		if arn = strings.TrimSpace(arn); arn != "" {
			arns = append(arns, arn)
		}
	}
	return arns
}

// Load returns the tokens as they are now.
func (s *TokenSecret) Load(ctx context.Context) (access, refresh string, err error) {
	kept, err := s.read(ctx)
	return kept.Access, kept.Refresh, err
}

// Store replaces the two tokens, if used is still the refresh token. Secrets Manager
// replaces a secret as a whole and on no condition; nobody else writes this one.
func (s *TokenSecret) Store(ctx context.Context, used, access, refresh string) error {
	kept, err := s.read(ctx)
	if err != nil {
		return err
	}
	if kept.Refresh != used {
		return errReplaced
	}
	text, err := json.Marshal(keptTokens{Access: access, Refresh: refresh, Seed: kept.Seed})
	if err != nil {
		return fmt.Errorf("write the Webex token: %w", err)
	}
	_, err = s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.arn, SecretString: aws.String(string(text))})
	if err != nil {
		return fmt.Errorf("write the Webex token into the secret %s: %w", s.arn, err)
	}
	return nil
}

func (s *TokenSecret) read(ctx context.Context) (keptTokens, error) {
	given, err := s.given(ctx)
	if err != nil {
		return keptTokens{}, err
	}
	if given.RefreshToken == "" {
		return keptTokens{}, errors.New("WEBEX_REFRESH_TOKEN is not given any more: put it into the secret that an administrator writes")
	}
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	if err != nil {
		return keptTokens{}, fmt.Errorf("read the secret %s that TOKEN_SECRET_ARN names: %w", s.arn, err)
	}
	return given.kept(s.arn, aws.ToString(out.SecretString))
}

// kept are the tokens as they are now: those in the text of the secret, if they come from
// the refresh token in the settings, else those in the settings. The access token before
// is good for as long as none is given: another refresh token ends it at Webex, or not.
func (w Webex) kept(arn, text string) (keptTokens, error) {
	var kept keptTokens
	// The parser's own error would quote the token.
	if json.Unmarshal([]byte(text), &kept) != nil {
		return keptTokens{}, fmt.Errorf("the secret %s that TOKEN_SECRET_ARN names is not what was written there: put {} into it to begin with WEBEX_REFRESH_TOKEN again", arn)
	}
	begin := w.tokens()
	if kept.Seed == begin.Seed {
		return kept, nil
	}
	begin.Access = cmp.Or(begin.Access, kept.Access)
	return begin, nil
}

// withKept returns the settings with the access token as it is now.
func (s *Settings) withKept(ctx context.Context, secret func(ctx context.Context, arn string) (string, error)) (Webex, error) {
	w := s.Webex
	text, err := secret(ctx, s.AWS.TokenSecret)
	if err != nil {
		return w, fmt.Errorf("read the secret %s that TOKEN_SECRET_ARN names: %w", s.AWS.TokenSecret, err)
	}
	kept, err := w.kept(s.AWS.TokenSecret, text)
	w.AccessToken = kept.Access
	return w, err
}
