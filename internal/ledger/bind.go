package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"entrawebex/internal/document"
)

// binding is the document that says whose ledger this is.
type binding struct {
	TenantID string `json:"tenantId"`
	OrgID    string `json:"orgId"`
	// Schema is how it is written; 0 stands for 1.
	Schema int `json:"schema,omitempty"`
}

// Schema is how this program writes a ledger. A change that an earlier program would
// not read as it is meant raises it; a field that is added does not: what a program
// does not know of a record or a document survives its writes.
const Schema = 1

// bindingName is the document's name.
const bindingName = "binding"

// Bind binds the ledger to one Entra tenant and one Webex organization at its
// first start, and at every other start returns an error, naming both pairs,
// unless it is bound to these. Links and last written values of one pair say
// nothing about another, and acting on them would change the wrong accounts.
// A ledger that a later program writes with another Schema is refused, too.
func Bind(ctx context.Context, documents document.Store, tenantID, orgID string) error {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	if kept.Version == 0 {
		kept.Value = binding{TenantID: tenantID, OrgID: orgID, Schema: Schema}
		if err := kept.Save(ctx); !errors.Is(err, document.ErrChanged) {
			return err
		}
	}
	return CheckBinding(ctx, documents, tenantID, orgID)
}

// IsBound reports whether the ledger has had its first start.
func IsBound(ctx context.Context, documents document.Store) (bool, error) {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return false, fmt.Errorf("read whether the ledger is bound: %w", err)
	}
	return kept.Version > 0, nil
}

// CheckBinding returns the error that Bind would, and binds nothing: a ledger
// that is not bound yet refuses nobody.
func CheckBinding(ctx context.Context, documents document.Store, tenantID, orgID string) error {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	bound := kept.Value
	if bound.Schema > Schema {
		return fmt.Errorf("the ledger was written by a later version of entrawebex (schema %d; this version reads %d): "+
			"start that version again, or give this one a backup from before the upgrade", bound.Schema, Schema)
	}
	if kept.Version > 0 && (!strings.EqualFold(bound.TenantID, tenantID) || bound.OrgID != orgID) {
		return fmt.Errorf("the ledger is bound to Entra tenant %q and Webex organization %q "+
			"and refuses tenant %q and organization %q: give these a ledger of their own",
			bound.TenantID, bound.OrgID, tenantID, orgID)
	}
	return nil
}

func bindingIn(documents document.Store) document.Document[binding] {
	return document.Document[binding]{Store: documents, Name: bindingName}
}
