package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// binding is the document that says whose ledger this is.
type binding struct {
	TenantID string `json:"tenantId"`
	OrgID    string `json:"orgId"`
}

// bindingName is the document's name.
const bindingName = "binding"

// Bind binds the ledger to one Entra tenant and one Webex organization at its
// first start, and at every other start returns an error, naming both pairs,
// unless it is bound to these. Links and last written values of one pair say
// nothing about another, and acting on them would change the wrong accounts.
func Bind(ctx context.Context, documents Documents, tenantID, orgID string) error {
	asked := binding{TenantID: tenantID, OrgID: orgID}
	data, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	err = documents.PutDocument(ctx, bindingName, data, 0)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrConflict) {
		return fmt.Errorf("bind ledger: %w", err)
	}
	return CheckBinding(ctx, documents, tenantID, orgID)
}

// CheckBinding returns the error that Bind would, and binds nothing: a ledger
// that is not bound yet refuses nobody.
func CheckBinding(ctx context.Context, documents Documents, tenantID, orgID string) error {
	bound, already, err := readBinding(ctx, documents)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	if already && (!strings.EqualFold(bound.TenantID, tenantID) || bound.OrgID != orgID) {
		return fmt.Errorf("the ledger is bound to Entra tenant %q and Webex organization %q "+
			"and refuses tenant %q and organization %q: give these a ledger of their own",
			bound.TenantID, bound.OrgID, tenantID, orgID)
	}
	return nil
}

// readBinding returns whom the ledger is bound to; false if to nobody yet.
func readBinding(ctx context.Context, documents Documents) (binding, bool, error) {
	data, version, err := documents.Document(ctx, bindingName)
	if err != nil || version == 0 {
		return binding{}, false, err
	}
	var b binding
	if err := json.Unmarshal(data, &b); err != nil {
		return binding{}, false, fmt.Errorf("decode document %s: %w", bindingName, err)
	}
	return b, true, nil
}
