package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// hintLength is how many characters of a secret Graph shows (passwordCredential
// resource, hint).
const hintLength = 3

// SecretEnds returns when the client secret of an app registration ends: of those that
// begin so and have not ended by then, as ours has not, the one that ends first; zero if
// Graph shows none. The application reads itself, which takes Application.Read.All.
// https://learn.microsoft.com/graph/api/application-get
func (c *Client) SecretEnds(ctx context.Context, appID, secret string, now time.Time) (time.Time, error) {
	operation := "read the end of the client secret of app registration " + printable.Short(appID, 40)
	app, ok := change.ParseID(appID)
	if !ok {
		return time.Time{}, &provision.Fault{Kind: provision.Permanent, Reason: operation + ": an application (client) id is a GUID"}
	}
	info := abs.NewRequestInformation()
	info.Method, info.PathParameters = abs.GET, c.path()
	info.UrlTemplate = "{+baseurl}/applications(appId='" + app + "')?%24select=appId,passwordCredentials"
	info.Headers.Add("Accept", "application/json")
	body, err := c.send(ctx, info)
	if err != nil {
		return time.Time{}, fault(operation, readApplications, concerning(err, app))
	}
	var answer struct {
		AppID       string `json:"appId"`
		Credentials []struct {
			Hint string    `json:"hint"`
			Ends time.Time `json:"endDateTime"`
		} `json:"passwordCredentials"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return time.Time{}, fault(operation, readApplications, fmt.Errorf("decode: %w", err))
	}
	if !strings.EqualFold(answer.AppID, app) {
		return time.Time{}, fault(operation, readApplications, strange("the answer is not that app registration"))
	}
	var ends time.Time
	for _, one := range answer.Credentials {
		ours := len(one.Hint) == hintLength && strings.HasPrefix(secret, one.Hint) && one.Ends.After(now)
		if ours && (ends.IsZero() || one.Ends.Before(ends)) {
			ends = one.Ends.UTC()
		}
	}
	return ends, nil
}
