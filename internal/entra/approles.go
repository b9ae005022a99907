package entra

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

const (
	// rolesFor is how long the app roles that an application had are taken for those it
	// has. One that is renamed nobody tells of.
	rolesFor = 10 * time.Minute
	// rolesAgain is the least time between two readings because of a role that was not
	// among them: it may be new.
	rolesAgain = 10 * time.Second
)

// appRoles keeps the app roles of the applications that were asked for, by the ids of
// their service principals.
type appRoles struct {
	mu   sync.Mutex
	read map[string]readRoles
}

// readRoles are the names of an application's app roles by their ids, as of a time.
type readRoles struct {
	at    time.Time
	names map[string]string
}

// AppRoles returns the names of the app roles that an application has, by their ids:
// their display names, which is what Entra's expressions have of them, or their values
// where there are none. It makes one call in ten minutes, and one more where an id that
// is wanted is not among those it read. The map is not to be changed. The error is a
// *Fault.
// https://learn.microsoft.com/graph/api/resources/approle
func (c *Client) AppRoles(ctx context.Context, servicePrincipalID string, wanted []string) (map[string]string, error) {
	known := c.appRoles
	known.mu.Lock()
	defer known.mu.Unlock()
	roles := known.read[servicePrincipalID]
	lacking := slices.ContainsFunc(wanted, func(id string) bool { return id != scoping.DefaultAccess && roles.names[id] == "" })
	if age := c.now().Sub(roles.at); age < rolesAgain || age < rolesFor && !lacking {
		return roles.names, nil
	}
	names, err := c.readAppRoles(ctx, servicePrincipalID)
	if err != nil {
		return nil, err
	}
	if known.read == nil {
		known.read = map[string]readRoles{}
	}
	known.read[servicePrincipalID] = readRoles{c.now(), names}
	return names, nil
}

func readRolesOf(servicePrincipalID string) string {
	return "read app roles of enterprise application " + servicePrincipalID + " from Entra"
}

// readAppRoles reads the names of the app roles that an application has.
func (c *Client) readAppRoles(ctx context.Context, servicePrincipalID string) (map[string]string, error) {
	operation := readRolesOf(servicePrincipalID)
	body, err := c.fetch(ctx, request{place: servicePrincipalRoles, id: servicePrincipalID})
	switch {
	case notThere(err):
		return nil, &provision.Fault{Kind: provision.Transient, Reason: operation + ": it is not there"}
	case err != nil:
		return nil, fault(operation, readApplications, err)
	}
	var answer struct {
		ID    string            `json:"id"`
		Roles []json.RawMessage `json:"appRoles"`
	}
	if json.Unmarshal(body, &answer) != nil || !strings.EqualFold(answer.ID, servicePrincipalID) {
		return nil, fault(operation, readApplications, errNotThatApp)
	}
	names := make(map[string]string, len(answer.Roles))
	for _, element := range answer.Roles {
		var role struct {
			ID          json.RawMessage `json:"id"`
			DisplayName json.RawMessage `json:"displayName"`
			Value       json.RawMessage `json:"value"`
		}
		unread := json.Unmarshal(element, &role)
		id, isID := change.ParseID(text(role.ID))
		name := text(role.DisplayName)
		if name == "" {
			name = text(role.Value)
		}
		if unread != nil || !isID || name == "" {
			c.oddities.tell(ctx, c.log, operation, []oddity{{"an app role that cannot be read is left out", printable.Short(text(role.ID), 40)}})
			continue
		}
		names[id] = name
	}
	return names, nil
}

// nameRoles gives the readings the names of their Roles.
func (c *Client) nameRoles(ctx context.Context, queries []provision.Query, readings []provision.Reading) {
	wanted, named := map[string][]string{}, map[string][]int{} // by App
	for i, q := range queries {
		r := &readings[i]
		switch {
		case !q.RoleNames || q.App == "" || r.Err != nil || r.Presence != provision.Present:
		case r.RolesErr != nil:
			r.RoleNamesErr = r.RolesErr
		default:
			wanted[q.App], named[q.App] = append(wanted[q.App], r.Roles...), append(named[q.App], i)
		}
	}
	for app, places := range named {
		names, err := c.AppRoles(ctx, app, wanted[app])
		for _, i := range places {
			r := &readings[i]
			if r.RoleNamesErr = err; err == nil {
				r.RoleNames, r.RoleNamesErr = provision.RoleNames(r.Roles, names)
			}
		}
	}
}
