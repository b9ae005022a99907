package entra

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/throttle"
)

// Open returns a Client for the tenant in the settings that reads the named
// attributes of users and groups. It keeps to the rate that Graph serves, for
// everything that shares it; what Graph refuses inside a $batch does not count.
func Open(s config.Entra, selects map[change.Kind][]string) (*Client, error) {
	var credential azcore.TokenCredential = StaticToken(s.AccessToken)
	if s.AccessToken == "" {
		var err error
		if credential, err = ClientSecret(Cloud(s.Cloud), s.TenantID, s.ClientID, s.ClientSecret); err != nil {
			return nil, err
		}
	}
	return New(Config{
		Cloud: Cloud(s.Cloud), BaseURL: s.GraphURL, Credential: credential, Select: selects,
		Transport: throttle.New(newTransport(), throttle.Options{}),
	})
}
