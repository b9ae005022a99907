package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// The attributes without which nothing is known of an object: who is
// deprovisioned, and which groups are provisioned.
const (
	accountEnabled  = "accountEnabled"
	securityEnabled = "securityEnabled"
)

// The least privileged permissions to read users and groups, deleted ones
// too, and to subscribe to their changes.
const (
	readUsers  = "User.Read.All"
	readGroups = "Group.Read.All"
)

var _ provision.Directory = (*Client)(nil)

// Read implements provision.Directory: a $batch for every 20 objects, managers, members,
// assignments and lists of groups, and one more round in the recycle bin for the objects that
// are not where they live. More calls are made only for a member with more
// groups, or an object with more assignments, than a page of them holds; and for
// what has no assignment one more, for whether the App itself is there. Where
// assignments count through groups within groups that is, for users, a list of
// all assignments and one more round.
func (c *Client) Read(ctx context.Context, queries []provision.Query) []provision.Reading {
	requests := make([]request, 0, len(queries))
	for _, q := range queries {
		requests = append(requests, itemOf(q.Object))
	}
	for _, q := range queries {
		if c.readsManager(q.Object) {
			requests = append(requests, managerOf(q.Object))
		}
	}
	for _, q := range queries {
		if q.App != "" {
			requests = append(requests, rolesOf(q))
		}
	}
	for _, q := range queries {
		for _, id := range q.Members {
			requests = append(requests, membershipIn(q, id))
		}
		requests = append(requests, belongingIn(q)...)
	}
	answers := c.ask(ctx, requests)
	readings := make([]provision.Reading, len(queries))
	var missing []request
	for i, q := range queries {
		readings[i] = c.reading(ctx, q.Object, provision.Present, answers[itemOf(q.Object)])
		c.manage(q.Object, &readings[i], answers[managerOf(q.Object)])
		if readings[i].Presence == provision.Absent {
			missing = append(missing, request{place: deletedItem, id: q.Object.ID})
		}
	}
	deleted := c.ask(ctx, missing)
	for i, q := range queries {
		if readings[i].Presence == provision.Absent {
			readings[i] = c.reading(ctx, q.Object, provision.SoftDeleted, deleted[request{place: deletedItem, id: q.Object.ID}])
		}
	}
	c.judge(ctx, queries, readings, answers)
	c.assign(ctx, queries, readings, answers)
	c.belong(ctx, queries, readings, answers)
	c.tellDomain(ctx, queries, readings)
	return readings
}

// reading reads the answer from the one place where an object is what where
// says. Absent then means: not in that place. In the recycle bin all kinds of
// objects are together: there an id may be known as that of something else, and
// is then no user's, or group's, anywhere.
func (c *Client) reading(ctx context.Context, o change.Object, where provision.Presence, a answer) provision.Reading {
	if notThere(a.err) {
		return provision.Reading{Presence: provision.Absent}
	}
	attributes, err := a.attributes(o)
	kind, _ := attributes["@odata.type"].(string)
	switch told := natureOf(kind); {
	case err != nil || told == of(o.Kind) || kind == "":
	case told == unsaid:
		c.oddities.tell(ctx, c.log, "read "+o.String(), []oddity{{"an object of a type that is not known is taken for what was asked for", printable.Short(kind, 80)}})
	case where == provision.SoftDeleted:
		return provision.Reading{Presence: provision.Absent}
	default:
		err = errOther
	}
	var reading provision.Reading
	if err == nil {
		reading.Presence = where
		if where == provision.Present {
			err = c.decisive(o.Kind, attributes)
		}
	}
	if err != nil {
		reading.Err = fault("read "+o.String()+" from Entra", c.itemPermission(o.Kind), err)
		return reading
	}
	if where == provision.Present {
		if err := c.seeSecurity(ctx, o, attributes); err != nil {
			return provision.Reading{Err: err}
		}
	}
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return strings.Contains(name, "@odata.") })
	reading.Attributes = attributes
	return reading
}

// attributes returns what the answer says of the object, OData's annotations
// included.
func (a answer) attributes(o change.Object) (map[string]any, error) {
	if a.err != nil {
		return nil, a.err
	}
	var attributes map[string]any
	if err := json.Unmarshal(a.body, &attributes); err != nil {
		return nil, strange("the answer is not a JSON object")
	}
	if id, ok := attributes["id"].(string); !ok || !strings.EqualFold(id, o.ID) {
		return nil, errOther
	}
	return attributes, nil
}

// decisive refuses attributes that lack the one that decides. Graph leaves out,
// or makes null, what an application may not see
// (https://learn.microsoft.com/graph/permissions-overview).
func (c *Client) decisive(kind change.Kind, attributes map[string]any) error {
	name := accountEnabled
	if kind == change.Group {
		name = securityEnabled
	}
	if _, ok := attributes[name].(bool); !ok && slices.Contains(c.selects[kind], name) {
		return fmt.Errorf("the answer has no %s, which reads as neither true nor false (is %s granted?)", name, permission(kind))
	}
	return nil
}

// permission is what reading objects of a kind needs.
func permission(kind change.Kind) string {
	if kind == change.Group {
		return readGroups
	}
	return readUsers
}
