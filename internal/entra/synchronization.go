package entra

import (
	"context"
	"net/url"

	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/provision"
)

// readSynchronization is the least privileged permission to read the jobs of Entra's own
// provisioning service
// (https://learn.microsoft.com/graph/api/synchronization-synchronization-list-jobs).
const readSynchronization = "Synchronization.Read.All"

// SynchronizationJobs returns the provisioning jobs of an enterprise application; none
// is no error. It needs Synchronization.Read.All. The error is a *Fault.
// https://learn.microsoft.com/graph/api/synchronization-synchronization-list-jobs
func (c *Client) SynchronizationJobs(ctx context.Context, servicePrincipalID string) ([]synchronization.Job, error) {
	return readOf(ctx, c, "read the provisioning jobs of enterprise application "+servicePrincipalID, servicePrincipalID, "jobs", synchronization.DecodeJobs)
}

// SynchronizationSchema returns what a provisioning job maps. It needs
// Synchronization.Read.All. The error is a *Fault.
// https://learn.microsoft.com/graph/api/synchronization-synchronizationschema-get
func (c *Client) SynchronizationSchema(ctx context.Context, servicePrincipalID, jobID string) (synchronization.Schema, error) {
	return readOf(ctx, c, "read the schema of provisioning job "+jobID, servicePrincipalID, "jobs/"+url.PathEscape(jobID)+"/schema", synchronization.Decode)
}

// SynchronizationSettings returns what the portal keeps beside a provisioning job. It
// needs Synchronization.Read.All. The error is a *Fault.
func (c *Client) SynchronizationSettings(ctx context.Context, servicePrincipalID string) (synchronization.Settings, error) {
	return readOf(ctx, c, "read the settings of the provisioning job of enterprise application "+servicePrincipalID, servicePrincipalID, "secrets", synchronization.DecodeSettings)
}

// readOf reads something below the synchronization of a service principal.
func readOf[T any](ctx context.Context, c *Client, operation, servicePrincipalID, below string, decode func([]byte) (T, error)) (T, error) {
	var none T
	info := abs.NewRequestInformation()
	info.Method, info.PathParameters = abs.GET, c.path()
	info.UrlTemplate = "{+baseurl}/servicePrincipals/" + url.PathEscape(servicePrincipalID) + "/synchronization/" + below
	info.Headers.Add("Accept", "application/json")
	body, err := c.send(ctx, info)
	if err != nil {
		return none, fault(operation, readSynchronization, err)
	}
	read, err := decode(body)
	if err != nil {
		return none, &provision.Fault{Kind: provision.Permanent, Reason: operation, Err: err, From: provision.Graph}
	}
	return read, nil
}
