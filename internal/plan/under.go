package plan

import (
	"context"
	"slices"
	"strings"

	"entrawebex/internal/app"
	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// Account is what Webex has under a name.
type Account struct {
	Kind change.Kind `json:"kind"`
	Side
	// Linked is whose it is in Entra, by the ledger; nil if nobody's.
	Linked *change.Object `json:"linked,omitempty"`
	// ExternalID is the id of another system that it has, such as Entra's.
	ExternalID string `json:"externalId,omitempty"`
	// Reserved says why it is not taken over, whatever its name; empty if it may be.
	Reserved string `json:"reserved,omitempty"`
}

// Under returns what Webex has under a name: the user with this userName or address,
// groups that are called so, or what has this id.
func (pl *Planner) Under(ctx context.Context, name string) ([]Account, error) {
	if err := app.CheckWebex(ctx, pl.Webex); err != nil {
		return nil, err
	}
	return pl.under(ctx, name)
}

func (pl *Planner) under(ctx context.Context, name string) ([]Account, error) {
	all := []Account{}
	add := func(kind change.Kind, found []provision.Resource) error {
		for _, r := range found {
			if slices.ContainsFunc(all, func(a Account) bool { return a.ID == r.ID }) {
				continue
			}
			a := Account{Kind: kind, Side: pl.side(kind, r), Reserved: r.Reserved}
			a.ExternalID, _ = r.Attributes["externalId"].(string)
			o, linked, err := pl.Stored.LinkedTo(ctx, r.ID)
			if err != nil {
				return err
			}
			if linked {
				a.Linked = &o
			}
			all = append(all, a)
		}
		return nil
	}
	id, isID := change.ParseID(name)
	for _, kind := range change.Kinds() {
		search := func() ([]provision.Resource, error) { return pl.Webex.Named(ctx, kind, name) }
		if isID {
			search = func() ([]provision.Resource, error) { return pl.withID(ctx, kind, id) }
		}
		found, err := search()
		if err == nil {
			err = add(kind, found)
		}
		if err != nil {
			return nil, err
		}
	}
	if !strings.Contains(name, "@") {
		return all, nil
	}
	found, err := pl.Webex.Addressed(ctx, name)
	if err == nil {
		err = add(change.User, found)
	}
	return all, err
}

// withID is what of Webex has an id; none is not an error.
func (pl *Planner) withID(ctx context.Context, kind change.Kind, id string) ([]provision.Resource, error) {
	found, err := pl.Webex.Read(ctx, kind, id)
	switch {
	case provision.Gone.Is(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []provision.Resource{found}, nil
}
