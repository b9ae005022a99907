// Package check tests what a run needs, and changes nothing on either side.
package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"entrawebex/internal/app"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
	"entrawebex/internal/webex"
)

// Result is one thing a run needs, and whether it is there.
type Result struct {
	What string
	// Detail is what was found, or what there is to know about it.
	Detail string
	// Note says that it is only worth knowing: nothing was tested.
	Note bool
	// Err is why it is not as it should be, and says how to mend it.
	Err error
}

// Outcome is how it stands with something that a run needs.
type Outcome string

// The outcomes.
const (
	OK     Outcome = "ok"
	Note   Outcome = "note"
	Failed Outcome = "failed"
)

// Told is a Result as it is told, and in this form what check --json prints.
type Told struct {
	What    string  `json:"what"`
	Outcome Outcome `json:"outcome"`
	// Detail is what was found, or why it is not as it should be, with the mend.
	Detail string `json:"detail"`
}

// Told returns the result as it is told.
func (r Result) Told() Told {
	switch {
	case r.Note:
		return Told{r.What, Note, r.Detail}
	case r.Err != nil:
		return Told{r.What, Failed, r.Err.Error()}
	default:
		return Told{r.What, OK, r.Detail}
	}
}

// Run tests the settings, the ledger, both sides and the way back to the webhook, and
// tells each result as it comes. What reaches Webex cannot write. The error is why
// nothing could be tested.
func Run(ctx context.Context, s config.Settings, log *slog.Logger, tell func(Result)) error {
	rules, err := app.BuiltIn(ctx, &s)
	if err != nil {
		return err
	}
	sides, err := app.OpenSides(s, rules, log)
	if err != nil {
		return err
	}
	for _, w := range s.Warnings {
		tell(Result{What: "Settings", Detail: w, Note: true})
	}
	tell(Result{What: "Settings", Detail: "complete"})
	kept, inForce, err := checkLedger(ctx, s, log)
	tell(Result{What: "Ledger", Detail: kept, Err: err})
	if inForce != nil {
		rules = *inForce
	}
	directory := sides.Graph.Selecting(rules.Select())
	checkEntra(ctx, directory, &s, rules.Users, tell)
	checkWebex(ctx, sides.Webex, s.Webex.OrgID, tell)
	checkProtected(ctx, directory, sides.Webex, &s, tell)
	checkWebhook(ctx, &s, log, tell)
	return nil
}

// checkEntra tests what is read of Entra, whose users are mapped so.
func checkEntra(ctx context.Context, directory *entra.Client, s *config.Settings, users mapping.Mapping, tell func(Result)) {
	tell(Result{What: "Entra tenant", Detail: s.Entra.TenantID, Err: app.CheckTenant(ctx, directory, s.Entra.TenantID)})
	for _, p := range checkPermissions(ctx, directory, needed(users.ReadsRoles() || !s.Everybody(), users.Select())) {
		tell(Result{What: "Entra permission", Detail: p.name, Err: p.err})
	}
	for _, kind := range change.Kinds() {
		tell(Result{What: "Entra " + string(kind) + "s", Detail: "can be read, in the recycle bin too", Err: checkObjects(ctx, directory, kind)})
		_, err := directory.Delta(ctx, kind, "") // a page of a first round
		tell(Result{What: "Entra " + string(kind) + " changes", Detail: "can be asked for by a delta query", Err: err})
	}
	for _, g := range users.Filter().Groups() {
		tell(Result{What: "Group of the scoping filter", Detail: g.ID + ": who is in it can be read, of " + g.Relation(), Err: checkGroup(ctx, directory, g)})
	}
	switch {
	case !s.Everybody():
		assigned, err := app.CheckAssignments(ctx, directory, s.Entra.AppID)
		tell(Result{What: "Enterprise application", Detail: assigned, Err: err})
	case users.ReadsRoles():
		_, err := directory.ServicePrincipal(ctx, s.Entra.AppID)
		tell(Result{What: "Enterprise application", Detail: "is there, and its app roles are mapped", Err: err})
	}
	_, err := directory.Subscriptions(ctx)
	tell(Result{What: "Entra subscriptions", Detail: "can be listed", Err: err})
}

func checkWebex(ctx context.Context, target *webex.Client, orgID string, tell func(Result)) {
	err := app.CheckWebex(ctx, target)
	tell(Result{What: "Webex organization", Detail: orgID, Err: err})
	if err != nil {
		return
	}
	for _, kind := range change.Kinds() {
		tell(Result{What: "Webex " + string(kind) + "s", Detail: "can be listed", Err: checkList(ctx, target, kind)})
	}
}

// checkLedger tells whose ledger it is, if there is one, and the mappings that are in
// force there; nil for none.
func checkLedger(ctx context.Context, s config.Settings, log *slog.Logger) (string, *mapping.Rules, error) {
	found, err := operations.OpenWith(ctx, s, func(context.Context) (config.Settings, error) { return s, nil }, log)
	if errors.Is(err, fs.ErrNotExist) {
		return "none in DATA_DIR yet: the first start makes it", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	stored, err := found.Configuration(ctx, operator.ConfigurationRequest{})
	if err := errors.Join(err, found.Close()); err != nil {
		return "", nil, err
	}
	rules, err := mapping.Parse(stored.Text)
	if err != nil {
		return "", nil, fmt.Errorf("the mapping in force: %w", err)
	}
	return "of this tenant and organization", &rules, nil
}

type permission struct {
	name string
	err  error
}

// needed are the permissions that a run needs which reads who is assigned, or not, and
// these attributes of users.
func needed(assigned bool, attributes []string) []entra.Permission {
	list := []entra.Permission{{Name: "User.Read.All"}, {Name: "Group.Read.All"}, {Name: "Organization.Read.All"}}
	if assigned {
		list = append(list, entra.Permission{Name: "Application.Read.All"}, entra.Permission{Name: "Directory.Read.All"})
	}
	return append(list, entra.MorePermissions(attributes)...)
}

// checkPermissions compares what the token may do with what is needed.
func checkPermissions(ctx context.Context, directory *entra.Client, needed []entra.Permission) []permission {
	roles, known, err := directory.Roles(ctx)
	if err != nil {
		return []permission{{err: err}}
	}
	if !known {
		return []permission{{name: "not listed in this kind of token; the next lines show what works"}}
	}
	var list []permission
	for _, one := range needed {
		p := permission{name: one.Name}
		if one.For != "" {
			p.name += ", for " + one.For + " in the mapping or its filter"
		}
		if !slices.Contains(roles, one.Name) {
			p.err = fmt.Errorf("%s is missing: add it to the app registration as an application permission and grant admin consent", p.name)
		}
		list = append(list, p)
	}
	return list
}

// checkObjects reads a user or group that cannot exist.
func checkObjects(ctx context.Context, directory *entra.Client, kind change.Kind) error {
	reading := directory.Read(ctx, []provision.Query{{Object: change.Object{Kind: kind, ID: uuid.NewString()}}})[0]
	if reading.Err == nil && reading.Presence != provision.Absent {
		return fmt.Errorf("a %s with an id that was made up just now was found: this is not Graph", kind)
	}
	return reading.Err
}

// checkGroup reads a page of the members of a group that a filter asks about.
func checkGroup(ctx context.Context, directory *entra.Client, g scoping.Group) error {
	_, err := directory.Members(ctx, g.ID, g.Transitive, "")
	if provision.Gone.Is(err) {
		return provision.NoFilterGroup(g.ID)
	}
	return err
}

// errEnough ends a list after its first page.
var errEnough = errors.New("one page is enough")

// checkList reads a page of all users or groups, as a comparison of everything
// does.
func checkList(ctx context.Context, target *webex.Client, kind change.Kind) error {
	var err error
	if kind == change.Group {
		err = target.Groups(ctx, func([]provision.ListedGroup) error { return errEnough })
	} else {
		err = target.Users(ctx, func([]provision.Resource) error { return errEnough })
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
