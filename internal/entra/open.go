package entra

import (
	"context"
	"log/slog"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the tenant in the settings that reads the named
// attributes of users and groups, and logs what is odd in what it reads. It keeps
// to the rate that Graph serves, for everything that shares it.
func Open(s config.Entra, selects map[change.Kind][]string, log *slog.Logger) (*Client, error) {
	credential, err := credentialOf(s)
	if err != nil {
		return nil, err
	}
	return open(s, selects, credential, log)
}

// OpenRotating returns a Client as Open does, whose credential may be rotated:
// latest, which is asked when the credential or a token of it is refused, has
// the settings as they are now.
func OpenRotating(
	s config.Entra, selects map[change.Kind][]string, latest func(ctx context.Context) config.Entra, log *slog.Logger,
) (*Client, error) {
	credential := &rotating{latest: latest, open: credentialOf, now: time.Now}
	if err := credential.begin(s); err != nil {
		return nil, err
	}
	return open(s, selects, credential, log)
}

func open(s config.Entra, selects map[change.Kind][]string, credential azcore.TokenCredential, log *slog.Logger) (*Client, error) {
	return New(Config{
		Cloud: Cloud(s.Cloud), BaseURL: s.GraphURL, Credential: credential, Select: selects,
		Transport: throttle.New(newTransport(), throttle.Options{}), Log: log,
	})
}

// credentialOf returns the credential in the settings.
func credentialOf(s config.Entra) (azcore.TokenCredential, error) {
	if s.AccessToken != "" {
		return StaticToken(s.AccessToken), nil
	}
	switch {
	case s.Federation != "":
		return clientAssertion(s, awsIdentity, nil)
	case s.ClientCertificate != "":
		return clientCertificate(s, nil)
	default:
		return ClientSecret(Cloud(s.Cloud), s.TenantID, s.ClientID, s.ClientSecret)
	}
}
