package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/entra"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

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
