package app

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

// Sides are both sides as they are read: what reaches Webex cannot write.
type Sides struct {
	Rules mapping.Rules
	Graph *entra.Client
	Webex *webex.Client
}

// OpenSides opens both sides, under these rules, for what looks and does nothing.
func OpenSides(s config.Settings, rules mapping.Rules, log *slog.Logger) (*Sides, error) {
	graph, err := entra.Open(s.Entra, rules.Select(), log)
	if err != nil {
		return nil, err
	}
	target, err := webex.OpenReadOnly(s.Webex, log)
	return &Sides{Rules: rules, Graph: graph, Webex: target}, err
}

// CheckTenant returns why the credentials are not those of the tenant.
func CheckTenant(ctx context.Context, directory *entra.Client, tenantID string) error {
	id, err := directory.Organization(ctx)
	if err != nil {
		return err
	}
	if id != tenantID {
		return fmt.Errorf("the credentials belong to tenant %s, not to ENTRA_TENANT_ID %s: correct one of them", id, tenantID)
	}
	return nil
}

// CheckAssignments tells how many are assigned to the application that is the
// scope.
func CheckAssignments(ctx context.Context, directory *entra.Client, appID string) (string, error) {
	id, err := directory.ServicePrincipal(ctx, appID)
	if err != nil {
		return "", err
	}
	page, err := directory.Assignments(ctx, id, "")
	if err != nil {
		return "", err
	}
	n := strconv.Itoa(len(page.Assignments))
	if page.Next != "" {
		n = "more than " + n
	}
	if n == "0" {
		return "nobody is assigned: nobody is provisioned; assign users or groups to it in the Entra admin center, or set SCOPE=all", nil
	}
	return n + " assignments", nil
}

// CheckWebex searches for a user that cannot exist, as Entra's own "Test
// connection" does.
func CheckWebex(ctx context.Context, target *webex.Client) error {
	found, err := target.Named(ctx, change.User, uuid.NewString()+"@example.com")
	if provision.Gone.Is(err) {
		return fmt.Errorf("%w; WEBEX_ORG_ID is not the organization of this token: copy it from Control Hub, Account", err)
	}
	if err == nil && len(found) > 0 {
		return fmt.Errorf("a search for a made-up userName finds %d accounts: the server ignores filters and must not be written to", len(found))
	}
	return err
}
