package entra

import (
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud is one of Microsoft's clouds. Graph's host, the authority that issues
// tokens and the scope asked for belong together: a token of one cloud is
// worth nothing in another
// (https://learn.microsoft.com/graph/deployments).
type Cloud string

// The clouds. The empty Cloud is Public.
const (
	// Public is the global service, GCC included.
	Public Cloud = "public"
	// USGov is US Government L4, also GCC High.
	USGov Cloud = "usgov"
	// USGovDoD is US Government L5.
	USGovDoD Cloud = "usgov-dod"
	// China is the cloud run by 21Vianet.
	China Cloud = "china"
)

// environment is what follows from a Cloud.
type environment struct {
	root      string
	authority cloud.Configuration
}

// scope asks for the application permissions an administrator consented to.
func (e environment) scope() string { return e.root + "/.default" }

func (c Cloud) environment() (environment, error) {
	switch c {
	case "", Public:
		return environment{"https://graph.microsoft.com", cloud.AzurePublic}, nil
	case USGov:
		return environment{"https://graph.microsoft.us", cloud.AzureGovernment}, nil
	case USGovDoD:
		return environment{"https://dod-graph.microsoft.us", cloud.AzureGovernment}, nil
	case China:
		return environment{"https://microsoftgraph.chinacloudapi.cn", cloud.AzureChina}, nil
	default:
		return environment{}, fmt.Errorf("unknown cloud %q: public, usgov, usgov-dod or china", string(c))
	}
}
