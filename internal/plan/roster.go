package plan

import (
	"context"
	"maps"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
)

// Roster is who is in a group on either side.
type Roster struct {
	// Entra and Webex are how many users are in it there, Others how many of Entra's
	// members are no users.
	Entra  int `json:"entra"`
	Webex  int `json:"webex"`
	Others int `json:"others,omitempty"`
	// Missing are in Entra's group, have an account, and are not in Webex's.
	Missing People `json:"missing"`
	// Extra are in Webex's group, are somebody in Entra, and are not in Entra's.
	Extra People `json:"extra"`
	// Pending are in Entra's group and have no account yet.
	Pending People `json:"pending"`
	// Local are in Webex's group and nobody in Entra: they stay.
	Local People `json:"local"`
	// Error says why a side could not be read to its end; then nobody is missing or extra
	// as far as is known.
	Error string `json:"error,omitempty"`
}

// People are how many there are, and the first of them by their ids.
type People struct {
	Count int      `json:"count"`
	First []Person `json:"first,omitempty"`
}

// Person is a user on either side; what is not known is empty.
type Person struct {
	ID      string `json:"id,omitempty"`
	WebexID string `json:"webexId,omitempty"`
	Name    string `json:"name,omitempty"`
}

func (p *People) add(one Person) {
	if p.Count++; len(p.First) < mostNamed {
		p.First = append(p.First, one)
	}
}

// roster reads who is in a group on both sides.
func (pl *Planner) roster(ctx context.Context, r provision.Record, reading provision.Reading) *Roster {
	roster := &Roster{}
	in, others, err := pl.usersIn(ctx, r.Object.ID, reading)
	roster.Entra, roster.Others = len(in), others
	var accounts map[string]bool
	if err == nil {
		accounts, err = pl.accountsIn(ctx, r.WebexID)
		roster.Webex = len(accounts)
	}
	if err == nil && reading.Presence == provision.Present {
		err = pl.tell(ctx, roster, in, accounts)
	}
	if err != nil {
		roster.Error = err.Error()
	}
	return roster
}

// usersIn returns the users in Entra's group, each once, and how many others are in it.
// Of one that is not there nobody is known.
func (pl *Planner) usersIn(ctx context.Context, id string, reading provision.Reading) (users []string, others int, err error) {
	if reading.Err != nil || reading.Presence != provision.Present {
		return nil, 0, reading.Err
	}
	seen := map[string]bool{}
	pages := paging.New("members of group "+id, nil)
	for page := ""; ; {
		members, err := pl.Graph.Members(ctx, id, pl.Engine.Nested, page)
		if err != nil {
			return slices.Sorted(maps.Keys(seen)), others, err
		}
		for _, user := range members.Users {
			seen[user] = true
		}
		others += members.Others
		if page = members.Next; page == "" {
			return slices.Sorted(maps.Keys(seen)), others, nil
		}
		if err := pages.Follow(ctx, page, pages.SeesAny(members.Users)); err != nil {
			return slices.Sorted(maps.Keys(seen)), others, err
		}
	}
}

// accountsIn are the users in Webex's group.
func (pl *Planner) accountsIn(ctx context.Context, webexID string) (map[string]bool, error) {
	accounts := map[string]bool{}
	if webexID == "" {
		return accounts, nil
	}
	err := pl.Webex.Members(ctx, webexID, func(ids []string) error {
		for _, id := range ids {
			accounts[id] = true
		}
		return nil
	})
	return accounts, err
}

// tell tells those apart who are in the group on one side alone.
func (pl *Planner) tell(ctx context.Context, roster *Roster, in []string, accounts map[string]bool) error {
	for chunk := range slices.Chunk(in, change.MaxMembers) {
		users := make([]change.Object, len(chunk))
		for i, id := range chunk {
			users[i] = change.Object{Kind: change.User, ID: id}
		}
		linked, err := pl.Stored.WebexIDs(ctx, users)
		if err != nil {
			return err
		}
		for i, webexID := range linked {
			switch {
			case webexID == "":
				roster.Pending.add(Person{ID: chunk[i]})
			case !accounts[webexID]:
				roster.Missing.add(Person{ID: chunk[i], WebexID: webexID})
			}
			delete(accounts, webexID)
		}
	}
	for _, webexID := range slices.Sorted(maps.Keys(accounts)) {
		o, linked, err := pl.Stored.LinkedTo(ctx, webexID)
		switch {
		case err != nil:
			return err
		case linked:
			roster.Extra.add(Person{ID: o.ID, WebexID: webexID})
		default:
			roster.Local.add(Person{WebexID: webexID})
		}
	}
	pl.nameAll(ctx, roster)
	return nil
}

// nameAll gives those a name who are told one by one.
func (pl *Planner) nameAll(ctx context.Context, roster *Roster) {
	if pl.isNameless(change.User) {
		return
	}
	for _, people := range []People{roster.Missing, roster.Extra, roster.Pending} {
		objects := make([]change.Object, len(people.First))
		for i, p := range people.First {
			objects[i] = change.Object{Kind: change.User, ID: p.ID}
		}
		names := pl.namesInEntra(ctx, objects)
		for i := range people.First {
			people.First[i].Name = names[objects[i]]
		}
	}
	for i, p := range roster.Local.First {
		if found, err := pl.Webex.Read(ctx, change.User, p.WebexID); err == nil {
			roster.Local.First[i].Name = pl.side(change.User, found).Name
		}
	}
}
