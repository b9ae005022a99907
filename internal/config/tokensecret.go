package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// TokenSecret keeps a service app's tokens in the AWS secret that has them: the
// first of those that SECRET_ARN names with a WEBEX_REFRESH_TOKEN in it.
type TokenSecret struct {
	client *secretsmanager.Client
	arns   []string
}

// NewTokenSecret returns the one in the environment, as os.Environ returns it.
// It reads nothing.
func NewTokenSecret(client *secretsmanager.Client, environ []string) *TokenSecret {
	s := &TokenSecret{client: client}
	for _, variable := range environ {
		if value, ok := strings.CutPrefix(variable, "SECRET_ARN="); ok {
			s.arns = secretARNs(value)
		}
	}
	return s
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

const (
	accessKey  = "WEBEX_ACCESS_TOKEN"
	refreshKey = "WEBEX_REFRESH_TOKEN"
)

// Load returns the tokens as they are now.
func (s *TokenSecret) Load(ctx context.Context) (access, refresh string, err error) {
	_, values, err := s.find(ctx)
	if err != nil {
		return "", "", err
	}
	return text(values[accessKey]), text(values[refreshKey]), nil
}

// Store replaces the two tokens and keeps what else is in the secret, if used is
// still the refresh token. Secrets Manager replaces a secret as a whole and on no
// condition: what somebody else writes in the same moment can be lost.
func (s *TokenSecret) Store(ctx context.Context, used, access, refresh string) error {
	arn, values, err := s.find(ctx)
	if err != nil {
		return err
	}
	if text(values[refreshKey]) != used {
		return errReplaced
	}
	for key, token := range map[string]string{accessKey: access, refreshKey: refresh} {
		if values[key], err = json.Marshal(token); err != nil {
			return fmt.Errorf("write the Webex token: %w", err)
		}
	}
	object, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("write the Webex token: %w", err)
	}
	_, err = s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &arn, SecretString: aws.String(string(object))})
	if err != nil {
		return fmt.Errorf("write the Webex token into the secret %s: %w", arn, err)
	}
	return nil
}

// find returns the secret and what is in it.
func (s *TokenSecret) find(ctx context.Context) (arn string, values map[string]json.RawMessage, err error) {
	for _, arn := range s.arns {
		out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if err != nil {
			return "", nil, fmt.Errorf("read the secret %s that SECRET_ARN names: %w", arn, err)
		}
		values = nil
		if json.Unmarshal([]byte(aws.ToString(out.SecretString)), &values) == nil && text(values[refreshKey]) != "" {
			return arn, values, nil
		}
	}
	return "", nil, errors.New("no secret that SECRET_ARN names has a WEBEX_REFRESH_TOKEN, so a refreshed one cannot be kept: put it there and not into the environment")
}

// text is a JSON string; empty if it is none.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}
