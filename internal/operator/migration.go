package operator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// MigrationRequest asks what moving in would come to.
type MigrationRequest struct {
	// AppID is the application (client) id of the gallery app; empty for ENTRA_APP_ID.
	AppID string `json:"appId,omitempty"`
	// Job is the id of its provisioning job; empty for the only one.
	Job string `json:"job,omitempty"`
	// Configuration is the mapping file to look by; empty for the one that is made of
	// the job's schema.
	Configuration string `json:"configuration,omitempty"`
	// Scope is assigned or all; empty for the gallery app's.
	Scope string `json:"scope,omitempty"`
	// Watched says that somebody sees how far it is.
	Watched bool `json:"watched,omitempty"`
}

// Validate returns what is wrong with the request.
func (r MigrationRequest) Validate() error {
	if r.Scope != "" && r.Scope != "all" && r.Scope != "assigned" {
		return invalid(fmt.Errorf("the scope is %q and must be assigned or all", r.Scope))
	}
	return nil
}

// MigrateRequest asks for writes to begin.
type MigrateRequest struct {
	AppID string `json:"appId,omitempty"`
	Job   string `json:"job,omitempty"`
	// OnPurpose says that they are to begin whatever the gallery app's job does, and
	// with whichever settings.
	OnPurpose bool `json:"onPurpose,omitempty"`
}

// Migration reads the gallery app's job, makes a mapping and settings of it, and plans
// for everything as if these were in force. It writes nothing on either side.
func (o *Operator) Migration(ctx context.Context, r MigrationRequest, watcher plan.Watcher) (*migration.Report, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := o.bound(ctx); err != nil {
		return nil, err
	}
	settings, err := o.Settings(ctx)
	if err != nil {
		return nil, err
	}
	graph, err := o.graph(ctx, &settings)
	if err != nil {
		return nil, err
	}
	report := &migration.Report{Mapping: r.Configuration}
	if report.Gallery, err = readGallery(ctx, graph, &settings, r.AppID, r.Job); err != nil {
		return nil, err
	}
	switch job := report.Gallery.Job; {
	case r.Configuration != "":
	case report.Gallery.Unread != "":
		return nil, &Error{Kind: Failed, Message: report.Gallery.Unread + orDownload}
	case job == nil:
		report.Notes = append(report.Notes, "the enterprise application has no provisioning job: accounts are compared under the mapping in force")
	default:
		if report.Mapping, report.Findings, err = importSchema(ctx, graph, report.Gallery); err != nil {
			return nil, err
		}
	}
	rules, err := o.rulesOf(ctx, &settings, plan.Request{Configuration: report.Mapping})
	if err != nil {
		return nil, err
	}
	asked := o.propose(report, &settings, rules, r)
	return report, o.lookAtAll(ctx, report, asked, watcher)
}

// orDownload is what to do where Graph does not give the schema of a job.
const orDownload = "; or download the schema in the Entra admin center (Provisioning, Attribute mapping, Advanced options, Edit schema) and say --schema FILE"

// propose fills in the settings that say what the gallery app says, and returns the plan
// to make under them.
func (o *Operator) propose(report *migration.Report, present *config.Settings, rules mapping.Rules, r MigrationRequest) plan.Request {
	if r.Scope != "" {
		report.Gallery.Settings.SyncAll, report.Gallery.Unset = new(r.Scope == "all"), ""
	}
	report.Settings = report.Gallery.Proposed(rules)
	report.Differing = migration.Differing(report.Settings, presentValues(present))
	groups := rules.Groups.Actions() != mapping.Actions{}
	asked := plan.Request{
		All: true, Watched: r.Watched, Configuration: report.Mapping, AppID: report.Gallery.AppID,
		SkipOutOfScopeDeletions: report.Gallery.Settings.SkipOutOfScopeDeletions,
	}
	if report.Gallery.Job != nil || report.Mapping != "" {
		asked.ProvisionGroups = &groups
	}
	if all := report.Gallery.Settings.SyncAll; all != nil {
		asked.Scope = map[bool]string{true: "all", false: "assigned"}[*all]
	}
	return asked
}

// lookAtAll plans for everything, and tells what would become of each.
func (o *Operator) lookAtAll(ctx context.Context, report *migration.Report, asked plan.Request, watcher plan.Watcher) error {
	var accounts []sweep.Account
	var objects []plan.Object
	watcher.Account = func(a sweep.Account) { accounts = append(accounts, a) }
	watcher.Object = func(one plan.Object) { objects = append(objects, one) }
	made, err := o.Plan(ctx, asked, watcher)
	if err != nil {
		return err
	}
	report.Rows = migration.Rows(objects, accounts)
	report.Notes = append(report.Notes, made.Notes...)
	return nil
}

// presentValues are the settings here that the gallery app has, too.
func presentValues(s *config.Settings) map[string]string {
	return map[string]string{
		"ENTRA_APP_ID": s.Entra.AppID, "SCOPE": s.Scope, "SKIP_OUT_OF_SCOPE_DELETIONS": strconv.FormatBool(s.SkipOutOfScopeDeletions),
		"PROVISION_GROUPS": strconv.FormatBool(s.ProvisionGroups), "DEFAULT_ACCESS": s.DefaultAccess, "NESTED_GROUPS": strconv.FormatBool(s.NestedGroups),
	}
}

// galleries is Entra, as far as a gallery app is looked at; entra.Client is one.
type galleries interface {
	ServicePrincipal(ctx context.Context, appID string) (string, error)
	SynchronizationJobs(ctx context.Context, servicePrincipalID string) ([]synchronization.Job, error)
	SynchronizationSchema(ctx context.Context, servicePrincipalID, jobID string) (synchronization.Schema, error)
	SynchronizationSettings(ctx context.Context, servicePrincipalID string) (synchronization.Settings, error)
}

// graph opens Entra, for what looks.
func (o *Operator) graph(ctx context.Context, s *config.Settings) (directory, error) {
	rules, err := app.RulesInForce(ctx, s, o.Ledger)
	if err != nil {
		return nil, err
	}
	sides, err := app.OpenSides(*s, rules, o.Log)
	if err != nil {
		return nil, err
	}
	return sides.Graph, app.CheckTenant(ctx, sides.Graph, s.Entra.TenantID)
}

// readGallery reads the job of the gallery app. That Graph may not be asked for it is
// told in what is read.
func readGallery(ctx context.Context, graph galleries, s *config.Settings, appID, job string) (migration.Gallery, error) {
	g := migration.Gallery{AppID: strings.ToLower(appID)}
	if g.AppID == "" {
		g.AppID = s.Entra.AppID
	}
	if g.AppID == "" {
		return g, invalid(errors.New("no enterprise application is named: say --app and its Application ID, or set ENTRA_APP_ID"))
	}
	var err error
	if g.ID, err = graph.ServicePrincipal(ctx, g.AppID); err != nil {
		return g, err
	}
	jobs, err := graph.SynchronizationJobs(ctx, g.ID)
	if f := provision.AsFault(err); f != nil && f.Kind == provision.Unauthorized {
		g.Unread, g.Unset = err.Error(), err.Error()
		return g, nil
	}
	if err != nil {
		return g, err
	}
	if g.Job, err = migration.Choose(jobs, job); err != nil {
		return g, invalid(err)
	}
	if g.Job == nil {
		return g, nil
	}
	for i := range jobs {
		if jobs[i].ID != g.Job.ID && !jobs[i].Rests() {
			g.Others = append(g.Others, migration.Told(jobs[i].ID))
		}
	}
	switch g.Settings, err = graph.SynchronizationSettings(ctx, g.ID); {
	case forNow(err):
		return g, err
	case err != nil:
		g.Unset = err.Error() // the portal shows them, too
	case g.Settings.SyncAll == nil:
		g.Unset = "Graph does not tell the scope of the provisioning job"
	}
	return g, nil
}

// forNow reports whether Graph may well answer the next time.
func forNow(err error) bool {
	f := provision.AsFault(err)
	return f != nil && f.Kind.Policy().Passes
}

// importSchema makes a mapping file of the job's schema.
func importSchema(ctx context.Context, graph galleries, g migration.Gallery) (string, []synchronization.Finding, error) {
	schema, err := graph.SynchronizationSchema(ctx, g.ID, g.Job.ID)
	switch {
	case forNow(err):
		return "", nil, err
	case err != nil:
		return "", nil, &Error{Kind: Failed, Message: err.Error() + orDownload}
	}
	text, findings, err := synchronization.Import(schema)
	if err != nil {
		return "", nil, fmt.Errorf("the schema of provisioning job %s: %w", g.Job.ID, err)
	}
	return text, findings, nil
}

// Migrate has writes to Webex begin, if the gallery app's job rests, its settings are
// those here, and a mapping was applied; or for whatever reason, on purpose. The error is
// Refused and says what stands against it.
func (o *Operator) Migrate(ctx context.Context, r MigrateRequest) (Resumed, error) {
	if err := o.bound(ctx); err != nil {
		return Resumed{}, err
	}
	settings, err := o.Settings(ctx)
	if err != nil {
		return Resumed{}, err
	}
	state, err := o.pauses().State(ctx)
	if err != nil {
		return Resumed{}, err
	}
	if _, paused := state[pause.Webex]; !paused {
		return Resumed{}, &Error{Kind: Refused, Message: "nothing is to begin: webex is not paused, and is written already " +
			"(START_PAUSED=true has it paused at the first start, entrawebex pause webex at any time)"}
	}
	against, err := o.hindrances(ctx, &settings, r)
	if err != nil {
		return Resumed{}, err
	}
	if err := migration.Refusal(against); err != nil && !r.OnPurpose {
		return Resumed{}, &Error{Kind: Refused, Message: err.Error()}
	}
	return o.Resume(ctx, ResumeRequest{Side: pause.Webex})
}

// hindrances are what stands against the beginning, once nobody goes by the mapping
// before the one in force any more.
func (o *Operator) hindrances(ctx context.Context, s *config.Settings, r MigrateRequest) ([]string, error) {
	store, err := o.configurations(ctx)
	if err != nil {
		return nil, err
	}
	version, err := store.InForce(ctx)
	if err != nil {
		return nil, err
	}
	graph, err := o.graph(ctx, s)
	if err != nil {
		return nil, err
	}
	gallery, err := readGallery(ctx, graph, s, r.AppID, r.Job)
	if err != nil {
		return nil, err
	}
	rules, err := o.rulesOf(ctx, s, plan.Request{})
	if err != nil {
		return nil, err
	}
	against := append(gallery.Hindrances(), migration.Differing(gallery.Proposed(rules), presentValues(s))...)
	if gallery.Job != nil && version.Number == 0 && s.MappingFile == "" {
		against = append(against, "the mapping in force is the one that is built in: entrawebex mapping apply provisioning.yaml --yes")
	}
	if rules.Users.Actions() == (mapping.Actions{}) { // as of one of which a part of the filter is missing
		against = append(against, "the mapping in force has all actions for users off, so that nobody is created, changed or closed: "+
			"write what is missing in another way, take the line with actions away, and apply it again")
	}
	return against, o.await(ctx, version.At.Add(app.Followed(s)))
}

// await waits until a time.
func (o *Operator) await(ctx context.Context, until time.Time) error {
	left := until.Sub(o.Now())
	if left <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	case <-time.After(left):
		return nil
	}
}
