package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/app"
	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/notification"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/replay"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sweep"
	"entrawebex/internal/worker"
)

// What people have reported from the field comes out right, each with all of the
// system at work: a file a case.
func TestFieldCases(t *testing.T) {
	t.Parallel()
	files := try(filepath.Glob(filepath.Join("testdata", "cases", "*.json")))(t)
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			c, path := readCase(t, file), filepath.Join(t.TempDir(), "case.db")
			synctest.Test(t, func(t *testing.T) { playCase(t, c, path) })
		})
	}
}

// fieldPlay is a case at play: a land with all of the system at work, as a run in
// one process has it.
type fieldPlay struct {
	*land

	of       *fieldCase
	settings config.Settings
	wire     *fieldWire
	log      *slog.Logger
	lines    *journal

	changes, dead *queue.Bolt
	sides         *pause.Switch
	requests      *sweep.Requests
	sweeps        *sweep.Schedule
	told          bell

	mu    sync.Mutex
	began time.Time            // zero before the story begins
	marks map[string]time.Time // moments of the story
	// placed are the ids of what the file names of accounts and groups that are in
	// Webex at the start, ids those of users and groups in Entra: the wire asks for
	// them while the story makes others, so naming is held meanwhile.
	placed, ids map[string]string
	naming      sync.Mutex
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// bell wakes renew when Graph says something of a subscription.
type bell chan []renew.Lifecycle

// Wake implements notification.Waker.
func (b bell) Wake(_ context.Context, events []notification.Lifecycle) error {
	told := make([]renew.Lifecycle, len(events))
	for i, event := range events {
		told[i] = renew.Lifecycle(event)
	}
	select {
	case b <- told:
		return nil
	default:
		return errors.New("renew has not yet heard the last one")
	}
}

func playCase(t *testing.T, c *fieldCase, path string) {
	t.Helper()
	p := newFieldPlay(t, c, path)
	defer p.close()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	p.live(ctx, &running)
	if !c.New {
		p.settle(ctx)
	}
	p.begin()
	p.play(ctx, c.Story)
	time.Sleep(time.Duration(c.Run))
	p.expect(ctx, &c.Want, "in the end")
	p.wire.unstruck(t)
	if t.Failed() {
		t.Log(p.story())
	}
}

func newFieldPlay(t *testing.T, c *fieldCase, path string) *fieldPlay {
	t.Helper()
	p := &fieldPlay{
		of: c, lines: &journal{}, told: make(bell, 1),
		marks: map[string]time.Time{}, ids: map[string]string{}, placed: map[string]string{},
	}
	p.log = slog.New(slog.NewTextHandler(p.lines, nil))
	p.land = newLand(t, 1, path, time.Now, nil)
	if len(c.Webex.Elsewhere) > 0 {
		p.org = try(scim.New(scim.Config{ID: orgID, Token: "t", Now: time.Now, Seed: 1, TakenElsewhere: c.Webex.Elsewhere}))(t)
		p.network[webexHost] = p.org
	}
	p.settings = p.configure()
	p.nested, p.assigned = p.settings.NestedGroups, !p.settings.Everybody()
	p.dead = try(queue.OpenBolt(p.db, "dead-letters", queue.BoltOptions{}))(t)
	p.changes = try(queue.OpenBolt(p.db, "changes", queue.BoltOptions{DeadLetters: p.dead}))(t)
	p.network[webhookHost] = notification.Handler(try(notification.New(notification.Config{
		ClientState: clientState, TenantID: tenantID, Queue: queue.Changes{Queue: p.changes}, Renew: p.told, Log: p.log,
	}))(t))
	p.wire = &fieldWire{
		next: p.network, rules: c.Wire, expand: p.expand, showing: p.shown, errors: t.Errorf,
		byHand: p.byHand,
		began: func() (time.Time, bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.began, !p.began.IsZero()
		},
	}
	p.populate()
	return p
}

// configure reads the settings of the case as run does.
func (p *fieldPlay) configure() config.Settings {
	environ := map[string]string{
		"ENTRA_TENANT_ID": tenantID, "ENTRA_CLIENT_ID": appID, "GRAPH_URL": "http://" + graphHost, "GRAPH_ACCESS_TOKEN": "t",
		"WEBEX_ORG_ID": orgID, "WEBEX_ACCESS_TOKEN": "t", "WEBHOOK_URL": "http://" + webhookHost, "CLIENT_STATE": clientState,
		"SCOPE": "all",
	}
	maps.Copy(environ, p.of.Settings)
	var list []string
	for name, value := range environ {
		list = append(list, name+"="+value)
	}
	return try(config.Load(p.t.Context(), config.OneProcess, list, nil))(p.t)
}

// named notes the id of a user or a group in Entra.
func (p *fieldPlay) named(name, id string) {
	p.naming.Lock()
	defer p.naming.Unlock()
	p.ids[name] = id
}

// idOf returns the id of a user or a group in Entra.
func (p *fieldPlay) idOf(name string) string {
	p.naming.Lock()
	defer p.naming.Unlock()
	if number, ok := strings.CutPrefix(name, "user"); ok && p.ids[name] == "" && len(number) == 3 {
		p.ids[name] = "00000000-0000-4000-8000-000000000" + number
	}
	if id, ok := p.ids[name]; ok {
		return id
	}
	return name
}

func (p *fieldPlay) idsOf(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = p.idOf(name)
	}
	return ids
}

// crowdMember is one of many.
func (p *fieldPlay) crowdMember(n int) graph.User {
	name := fmt.Sprintf("user%03d", n)
	return graph.User{
		"id": p.idOf(name), "userPrincipalName": name + "@" + domain, "displayName": fmt.Sprintf("User %03d", n),
		"givenName": fmt.Sprintf("Given%03d", n), "surname": fmt.Sprintf("Family%03d", n),
	}
}

// populate makes what there is at the start.
func (p *fieldPlay) populate() {
	p.t.Helper()
	tenant, there := p.of.Entra, p.of.Webex
	for n := range tenant.Crowd {
		try(p.tenant.Create(p.crowdMember(n + 1)))(p.t)
	}
	for _, name := range slices.Sorted(maps.Keys(tenant.Users)) {
		p.named(name, try(p.tenant.Create(tenant.Users[name]))(p.t))
	}
	for _, name := range slices.Sorted(maps.Keys(tenant.Groups)) {
		g := tenant.Groups[name]
		p.named(name, try(p.tenant.CreateGroup(g.Properties))(p.t))
	}
	for _, name := range slices.Sorted(maps.Keys(tenant.Groups)) {
		p.must(p.addMembers(name, tenant.Groups[name].Members))
	}
	for _, name := range tenant.Assigned {
		p.must(p.tenant.Assign(p.idOf(name), graph.DefaultAccess))
	}
	for _, name := range tenant.Binned {
		p.must(p.tenant.Delete(p.idOf(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(there.Users)) {
		p.placed[name] = try(p.org.Add(p.filled(there.Users[name])))(p.t)
	}
	for _, name := range slices.Sorted(maps.Keys(there.Groups)) {
		g := there.Groups[name]
		var members []string
		for _, member := range g.Members {
			members = append(members, p.placed[member])
		}
		p.placed[name] = try(p.org.AddGroup(p.filled(g.Attributes), members...))(p.t)
	}
}

// addMembers adds members to a group; crowd is all of the crowd.
func (p *fieldPlay) addMembers(group string, names []string) error {
	var ids []string
	for _, name := range names {
		if name != "crowd" {
			ids = append(ids, p.idOf(name))
			continue
		}
		for n := range p.of.Entra.Crowd {
			ids = append(ids, p.idOf(fmt.Sprintf("user%03d", n+1)))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return p.tenant.AddMembers(p.idOf(group), ids...)
}

// filled has the placeholders of a JSON object filled in.
func (p *fieldPlay) filled(object map[string]any) map[string]any {
	p.t.Helper()
	data := try(json.Marshal(object))(p.t)
	var whole map[string]any
	if err := json.Unmarshal([]byte(p.expand(string(data))), &whole); err != nil {
		p.t.Fatal(err)
	}
	return whole
}

func (p *fieldPlay) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// live starts all of the system, until the context ends.
func (p *fieldPlay) live(ctx context.Context, running *sync.WaitGroup) {
	p.t.Helper()
	directory, target := try(entra.New(entra.Config{
		BaseURL: "http://" + graphHost, Credential: entra.StaticToken("t"), Transport: p.wire, Select: p.rules.Select(), Log: p.log,
	}))(p.t), p.target(p.wire)
	p.sides = pause.New(p.ledger, directory, target, p.log)
	parts := &app.Parts{
		Settings: p.settings, Rules: p.rules, Graph: directory, Webex: target, Ledger: p.ledger,
		Queue: queue.Changes{Queue: p.changes}, Rests: p.sides.Why, Log: p.log,
	}
	engine := parts.Engine()
	p.requests, p.sweeps = parts.Requests(), parts.Sweeps(engine)
	looks := parts.Reconcile(engine)
	letters := &replay.Job{Dead: p.dead, Main: p.changes, Log: p.log}
	recovery := &pause.Recovery{Switch: p.sides, Replay: letters.Transient, Compare: p.requests.Request}
	hands := &worker.Worker{
		Queue: p.changes, DeadLetters: p.dead, Converge: engine.Converge, Letters: parts.Letters(), Pause: p.sides, Log: p.log,
	}
	drops := &replay.Drops{Dead: p.dead, Letters: parts.Letters(), Log: p.log}
	subscriptions := p.renewal(p.wire, p.ledger)
	subscriptions.Log, subscriptions.Resources = p.log, renew.Resources(p.settings.GroupsMatter())
	subscriptions.Interval = p.settings.RenewInterval

	running.Go(func() { p.tenant.Run(ctx) })
	running.Go(func() { _ = hands.Run(ctx, p.pollers()) }) // which returns why ctx ended
	p.repeat(ctx, running, nil, time.Minute, func([]renew.Lifecycle) error { return drops.Settle(ctx) })
	p.repeat(ctx, running, p.told, p.settings.RenewInterval, func(told []renew.Lifecycle) error {
		return p.done(ctx, condition.Renewing, errors.Join(recovery.Settle(ctx), subscriptions.Run(ctx, told...), recovery.CatchUp(ctx)))
	})
	p.repeat(ctx, running, nil, p.settings.ReconcileInterval, func([]renew.Lifecycle) error {
		return p.done(ctx, condition.Looking, looks.Run(ctx))
	})
	p.repeat(ctx, running, nil, p.settings.ReconcileInterval, func([]renew.Lifecycle) error { return p.sweeps.Run(ctx) })
}

// done notes that a job came to an end, as the application does.
func (p *fieldPlay) done(ctx context.Context, job string, err error) error {
	within := 2 * max(p.settings.RenewInterval, p.settings.ReconcileInterval, time.Minute)
	return errors.Join(err, condition.Done(ctx, p.ledger, job, within, err, time.Now()))
}

// pollers is how many batches are worked on at a time; one in a life that lasts
// for days.
func (p *fieldPlay) pollers() int {
	if p.settings.RenewInterval > time.Minute {
		return 1
	}
	return 4
}

// repeat does it at the interval, and when woken.
func (p *fieldPlay) repeat(ctx context.Context, running *sync.WaitGroup, woken bell, interval time.Duration, do func([]renew.Lifecycle) error) {
	running.Go(func() {
		var told []renew.Lifecycle
		for ctx.Err() == nil {
			if err := do(told); err != nil && ctx.Err() == nil {
				p.log.ErrorContext(ctx, "failed", "error", err)
			}
			told = nil
			select {
			case <-time.After(interval):
			case told = <-woken:
			case <-ctx.Done():
			}
		}
	})
}

// settle lets the system compare everything for the first time, and come to rest.
func (p *fieldPlay) settle(ctx context.Context) {
	p.t.Helper()
	for range 120 {
		time.Sleep(time.Minute)
		state := try(p.sweeps.State(ctx))(p.t)
		depth := try(p.changes.Depth(ctx))(p.t)
		if state.Last != nil && depth.Visible+depth.InFlight == 0 && p.tenant.Undelivered() == 0 {
			return
		}
	}
	p.t.Errorf("nothing is settled after two hours\n%s", p.story())
}

// begin begins the story.
func (p *fieldPlay) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
}

// story is what was logged and what went wrong on the wire.
func (p *fieldPlay) story() string {
	const most = 60_000
	text := p.lines.String()
	if over := len(text) - most; over > 0 && os.Getenv("WHOLE_STORY") == "" {
		text = "…" + text[over:]
	}
	return text
}

// expand fills the placeholders in a text of the file:
//
//	${id:ada}   the id of a user or a group in Entra
//	${w:ada}    the id of the account or group in Webex: of that user or group of
//	            Entra, or that was there at the start under that name
//	${graph}    the root of Graph
//	${hook}     the address of the webhook
//	${app}      the id of the enterprise application
//	${n}        a number that is another every time
//	${now+1h}   a time, as Graph writes it
func (p *fieldPlay) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")
		what, of, _ := strings.Cut(name, ":")
		later, isTime := strings.CutPrefix(name, "now")
		switch {
		case what == "id":
			return p.idOf(of)
		case what == "w":
			return p.webexID(of)
		case what == "graph":
			return "http://" + graphHost + "/v1.0"
		case what == "hook":
			return "http://" + webhookHost
		case what == "app":
			_, id := p.tenant.EnterpriseApp()
			return id
		case what == "n":
			return uuid.NewString()
		case isTime:
			d, _ := time.ParseDuration(later) // now alone is no time from now
			return time.Now().Add(d).UTC().Format(time.RFC3339)
		default:
			return found
		}
	})
}

var placeholder = regexp.MustCompile(`\$\{[^}]+\}`)

// webexID returns the id that something named in the file has in Webex; empty if
// there is none.
func (p *fieldPlay) webexID(name string) string {
	if id, ok := p.placed[name]; ok {
		return id
	}
	owner := p.idOf(name)
	for _, all := range []map[string]map[string]any{p.org.Users(), p.org.Groups()} {
		for id, attributes := range all {
			if text, _ := attributes["externalId"].(string); strings.EqualFold(text, owner) {
				return id
			}
		}
	}
	return "none-of-" + name
}

// byHand makes a call to Webex that is not the system's.
func (p *fieldPlay) byHand(ctx context.Context, s step) error {
	status, body, err := p.call(ctx, s.Method, p.expand(s.Path), p.expand(string(s.Body)))
	if err == nil && status > 299 {
		err = fmt.Errorf("%s %s: %d %s", s.Method, s.Path, status, body)
	}
	return err
}

func (p *fieldPlay) call(ctx context.Context, method, path, body string) (int, []byte, error) {
	url := "http://" + webexHost + "/identity/scim/" + orgID + "/v2" + path
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("Content-Type", "application/scim+json")
	response, err := p.network.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// shown is a resource of Webex as it is now.
func (p *fieldPlay) shown(ctx context.Context, path string) []byte {
	_, body, err := p.call(ctx, http.MethodGet, path, "")
	if err != nil {
		p.t.Errorf("show %s: %v", path, err)
	}
	return body
}

// held are the objects of which something is held.
func (p *fieldPlay) held(ctx context.Context) []provision.Record {
	var held []provision.Record
	p.must(p.ledger.Records(ctx, func(r provision.Record) error {
		if r.Hold != nil {
			held = append(held, r)
		}
		return nil
	}))
	return held
}

func (p *fieldPlay) object(name string) change.Object {
	o := change.Object{Kind: change.User, ID: p.idOf(name)}
	if _, err := p.tenant.Group(o.ID); err == nil {
		o.Kind = change.Group
	}
	return o
}
