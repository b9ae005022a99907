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
	// Table is the table in DynamoDB that it was last started as: one that is restored from
	// a backup has another name. Empty in a file.
	Table string `json:"table,omitempty"`
}

// refuses returns why a program of a tenant and an organization must leave the ledger
// alone.
func (b binding) refuses(tenantID, orgID string) error {
	if b.Schema > Schema {
		return fmt.Errorf("the ledger was written by a later version of entrawebex (schema %d; this version reads %d): "+
			"start that version again, or give this one a backup from before the upgrade", b.Schema, Schema)
	}
	if !strings.EqualFold(b.TenantID, tenantID) || b.OrgID != orgID {
		return fmt.Errorf("the ledger is bound to Entra tenant %q and Webex organization %q "+
			"and refuses tenant %q and organization %q: give these a ledger of their own",
			b.TenantID, b.OrgID, tenantID, orgID)
	}
	return nil
}

// Schema is how this program writes a ledger. A change that an earlier program would
// not read as it is meant raises it; a field that is added does not: what a program
// does not know of a record or a document survives its writes.
const Schema = 1

// bindingName is the document's name.
const bindingName = "binding"

// Bind binds the ledger, which is that table, or a file, to one Entra tenant and one Webex
// organization at its first start, and at every other start returns an error, naming both
// pairs, unless it is bound to these. Links and last written values of one pair say
// nothing about another, and acting on them would change the wrong accounts.
// A ledger that a later program writes with another Schema is refused, too.
func Bind(ctx context.Context, documents document.Store, tenantID, orgID, table string) error {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	if kept.Version == 0 {
		kept.Value = binding{TenantID: tenantID, OrgID: orgID, Schema: Schema}
	} else if err := kept.Value.refuses(tenantID, orgID); err != nil || kept.Value.Table == table {
		return err
	}
	kept.Value.Table = table
	if err := kept.Save(ctx); !errors.Is(err, document.ErrChanged) {
		return err
	}
	return CheckBinding(ctx, documents, tenantID, orgID)
}

// FirstStart reports whether the ledger has not been started yet, or not as that table,
// since it was restored under another name. The error is that of Bind.
func FirstStart(ctx context.Context, documents document.Store, tenantID, orgID, table string) (bool, error) {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil {
		return false, fmt.Errorf("bind ledger: %w", err)
	}
	if kept.Version == 0 {
		return true, nil
	}
	was := kept.Value.Table
	return was != "" && was != table, kept.Value.refuses(tenantID, orgID)
}

// CheckBinding returns the error that Bind would, and binds nothing: a ledger
// that is not bound yet refuses nobody.
func CheckBinding(ctx context.Context, documents document.Store, tenantID, orgID string) error {
	kept, err := bindingIn(documents).Open(ctx)
	if err != nil {
		return fmt.Errorf("bind ledger: %w", err)
	}
	if kept.Version == 0 {
		return nil
	}
	return kept.Value.refuses(tenantID, orgID)
}

func bindingIn(documents document.Store) document.Document[binding] {
	return document.Document[binding]{Store: documents, Name: bindingName}
}
