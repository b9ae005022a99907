package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"entrawebex/infra"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/history"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/worker"
)

const (
	heldID      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	deadID      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	orgID       = "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab"
	groupID     = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"
	deadAccount = "6f1d2c3b-0000-4000-8000-000000000002"
	webexID     = "6f1d2c3b-0000-4000-8000-000000000001"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// stocked is an Operator of a ledger with a hold, a latched guard and a dead letter.
func stocked(t *testing.T) *operator.Operator {
	t.Helper()
	file, err := stores.OpenFile(&config.Settings{DataDir: t.TempDir()}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, amend := range map[string]func(*provision.Record){
		heldID: func(r *provision.Record) {
			r.LastWritten = map[string]any{"userName": "ada.webex@example.com"}
			r.WebexID, r.Hold = "w", &provision.Hold{Operation: provision.Disabling, Since: noon.Add(-time.Hour), Security: true}
		},
		deadID: func(r *provision.Record) {
			r.WebexID = deadAccount
			r.OpenFault = &provision.OpenFault{Kind: provision.Permanent, Step: provision.Matching, Reason: "taken", Since: noon.Add(-time.Hour), Attempts: 1}
		},
	} {
		save(t, file.Ledger, id, amend)
	}
	if err := ledger.Bind(t.Context(), file.Ledger, tenantID, orgID, ""); err != nil {
		t.Fatal(err)
	}
	if err := file.Ledger.PutDocument(t.Context(), "guard", []byte(`{"latchedAt":"2026-03-02T09:00:00Z"}`), 0); err != nil {
		t.Fatal(err)
	}
	bury(t, file.DeadLetters, 1)
	log := slog.New(slog.DiscardHandler)
	return &operator.Operator{
		Kept: openHistory(t), Ledger: file.Ledger, Changes: file.Changes, DeadLetters: file.DeadLetters, Replayer: file.Replay(log),
		Binding: func(ctx context.Context, tenantID, orgID string) error {
			return ledger.CheckBinding(ctx, file.Ledger, tenantID, orgID)
		},
		TenantID: tenantID, OrgID: orgID,
		Configured: func() (*configuration.Store, error) {
			return &configuration.Store{Documents: file.Ledger, Default: infra.Provisioning(), Name: mapping.FileName, Now: func() time.Time { return noon }}, nil
		},
		Settings: func(context.Context) (config.Settings, error) { return config.Settings{}, errors.New("no settings") },
		Now:      func() time.Time { return noon }, Log: log,
	}
}

// openHistory is a log with an attempt at a user and one at a group.
func openHistory(t *testing.T) history.Store {
	t.Helper()
	const kept = 30 * 24 * time.Hour
	log, err := history.OpenBolt(bolttest.Open(t), kept, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	entries := []history.Entry{
		{
			ID: "1", At: noon.Add(-2 * time.Hour), ChangeID: "c-1", Action: history.None, Fault: "permanent",
			Source: &history.Identity{Type: "User", ID: heldID, DisplayName: "Ada", UserPrincipalName: "ada@example.com"},
			Status: history.StatusInfo{Status: history.Failure},
		},
		{
			ID: "2", At: noon.Add(-time.Hour), ChangeID: "c-2", Action: history.Update,
			Source: &history.Identity{Type: "Group", ID: groupID, DisplayName: "Ada"}, Target: &history.Identity{Type: "Group", ID: webexID},
			Status:  history.StatusInfo{Status: history.Success},
			Members: &history.Members{Removed: 3, Left: []history.Member{{ID: heldID}, {ID: deadID}, {ID: groupID}}},
		},
		{
			ID: "3", At: noon.Add(-3 * time.Hour), ChangeID: "c-3", Source: &history.Identity{Type: "User", ID: heldID},
			Status: history.StatusInfo{Status: history.Failure},
		},
	}
	idle := []history.Idle{{Hour: noon.Add(-time.Hour), Process: "p", Counts: map[string]int{"RedundantExport": 7}}}
	if err := log.Keep(t.Context(), entries, idle); err != nil {
		t.Fatal(err)
	}
	return log
}

func save(t *testing.T, l provision.Ledger, id string, amend func(*provision.Record)) {
	t.Helper()
	r, err := l.Claim(t.Context(), change.Object{Kind: change.User, ID: id}, "w", noon, noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	after := r
	after.Claim, after.Unconcluded = provision.Claim{}, 0
	amend(&after)
	if err := l.Save(t.Context(), "w", r, after); err != nil {
		t.Fatal(err)
	}
}

// bury puts n dead letters on the queue.
func bury(t *testing.T, dead queue.Queue, n int) {
	t.Helper()
	body, err := change.Change{Object: change.Object{Kind: change.User, ID: deadID}, Source: change.Notification, SeenAt: noon}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]queue.Entry, n)
	for i := range entries {
		entries[i] = queue.Entry{Group: deadID, Body: body, Attributes: map[string]string{worker.AttributeFaultKind: provision.Permanent.String()}}
	}
	if err := dead.Send(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

// served is a client of the Operator, over a socket.
func served(t *testing.T, o *operator.Operator) *operator.Client {
	t.Helper()
	return answered(t, operator.NewHandler(o, slog.New(slog.DiscardHandler)))
}

// answered is a client of what answers on a socket.
func answered(t *testing.T, by http.Handler) *operator.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(by)
	if err := server.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return operator.NewClient(socket)
}

// step is a method called, with what it is to come to.
type step struct {
	name string
	do   func(ctx context.Context, o operator.Operations) (any, error)
	// want is a part of the result as JSON, or of the error.
	want string
	kind operator.Kind
}

func steps() []step {
	replayOf := func(r replay.Request) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			var told []string
			result, err := o.Replay(ctx, r, func(done, of int) { told = append(told, fmt.Sprint(done, " of ", of)) })
			return []any{result, told}, err
		}
	}
	planOf := func(r plan.Request) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) { return o.Plan(ctx, r, plan.Watcher{}) }
	}
	approve := func(r operator.DecideRequest) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) { return o.Approve(ctx, r) }
	}
	reject := func(r operator.DecideRequest) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) { return o.Reject(ctx, r) }
	}
	pausing := func(side pause.Side) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Pause(ctx, operator.PauseRequest{Side: side, Why: "maintenance"})
		}
	}
	resuming := func(side pause.Side) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Resume(ctx, operator.ResumeRequest{Side: side})
		}
	}
	version := func(number *int) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Configuration(ctx, operator.ConfigurationRequest{Number: number})
		}
	}
	apply := func(text string, after int) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Apply(ctx, operator.ApplyRequest{Text: text, File: "mine.yaml", After: after, By: "ada", Note: "why"})
		}
	}
	trial := func(r operator.TestRequest) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) { return o.TestMapping(ctx, r) }
	}
	told := func(r operator.HistoryRequest) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) { return o.History(ctx, r) }
	}
	provisioning := func(names ...string) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Provision(ctx, operator.ProvisionRequest{Names: names})
		}
	}
	showing := func(name string) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Show(ctx, operator.ShowRequest{Name: name})
		}
	}
	searching := func(part string) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Search(ctx, operator.SearchRequest{Part: part})
		}
	}
	letters := func(filter ...string) func(context.Context, operator.Operations) (any, error) {
		return func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Letters(ctx, operator.LettersRequest{Filter: filter})
		}
	}
	return []step{
		{"Status", func(ctx context.Context, o operator.Operations) (any, error) { return o.Status(ctx) }, `"undecided":1`, ""},
		{"Status", func(ctx context.Context, o operator.Operations) (any, error) { return o.Status(ctx) }, `"names":{"` + heldID + `":"ada.webex@example.com"}`, ""},
		{"Pipeline", func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Pipeline(ctx, operator.PipelineRequest{Day: true})
		}, `"deadLetters":1,"now":{"since":"2026-03-02T11:55:00Z",`, ""},
		{"Holds", func(ctx context.Context, o operator.Operations) (any, error) { return o.Holds(ctx) }, `"blocked":true`, ""},
		{"Guard", func(ctx context.Context, o operator.Operations) (any, error) { return o.Guard(ctx) }, "2026-03-02T09:00:00Z", ""},
		{"ClearGuard", func(ctx context.Context, o operator.Operations) (any, error) { return o.ClearGuard(ctx) }, "2026-03-02T09:00:00Z", ""},
		{"Guard", func(ctx context.Context, o operator.Operations) (any, error) { return o.Guard(ctx) }, "{}", ""},
		{"Reject", reject(operator.DecideRequest{All: true}), `"done":[{`, ""},
		{"Approve", approve(operator.DecideRequest{All: true}), `"leftAlone":1`, ""},
		{"Approve", approve(operator.DecideRequest{IDs: []string{strings.ToUpper(heldID), deadID}}), "nothing is held of " + deadID, ""},
		{"Approve", approve(operator.DecideRequest{IDs: []string{"ADA@example.com"}}), `"name":"ada.webex@example.com"`, ""},
		{"Approve", approve(operator.DecideRequest{IDs: []string{"Ada"}}), "is, or was, the name of 2 objects", ""},
		{"Approve", approve(operator.DecideRequest{}), "name the objects, or say --all", operator.Invalid},
		{"Holds", func(ctx context.Context, o operator.Operations) (any, error) { return o.Holds(ctx) }, `"decision":"approved"`, ""},
		{"Letters", letters(), `"reason":"taken"`, ""},
		{"Letters", letters("older=24h"), `"known":[]`, ""},
		{"Letters", letters("object=ada@example.com"), `"known":[]`, ""},
		{"Letters", letters("object=" + deadAccount), `"reason":"taken"`, ""},
		{"Letters", letters("object=nobody"), `nothing is kept of "nobody"`, operator.Invalid},
		{"Letters", letters("nonsense"), "nonsense", operator.Invalid},
		{"Pause", pausing(pause.Webex), "maintenance", ""},
		{"Pause", pausing("teams"), `"teams" is no side`, operator.Invalid},
		{"Resume", resuming(pause.Webex), `"paused":{}`, ""},
		{"Resume", resuming("teams"), `"teams" is no side`, operator.Invalid},
		{"Reconcile", func(ctx context.Context, o operator.Operations) (any, error) { return nil, o.Reconcile(ctx) }, "null", ""},
		{"Replay", replayOf(replay.Request{DryRun: true}), `{"moved":1,"kept":0,"left":0},["1 of 1"]`, ""},
		{"Replay", replayOf(replay.Request{DryRun: true, Filter: []string{"object=ada@example.com"}}), `{"moved":0,"kept":1,`, ""},
		{"Replay", replayOf(replay.Request{DryRun: true, Filter: []string{"object=" + deadAccount}}), `{"moved":1,"kept":0,`, ""},
		{"Replay", replayOf(replay.Request{Filter: []string{"nonsense"}}), "nonsense", operator.Invalid},
		{"Replay", replayOf(replay.Request{Rate: -1}), "rate and limit", operator.Invalid},
		{"Replay", replayOf(replay.Request{}), `{"moved":1,`, ""},
		{"Environment", func(ctx context.Context, o operator.Operations) (any, error) { return o.Environment(ctx) }, "no settings", operator.Failed},
		{"Configuration", version(nil), `"number":0,"hash":`, ""},
		{"Apply", apply("users: 1\n", 0), "mine.yaml:1:8: users is a number", operator.Invalid},
		{"Apply", apply(string(infra.Provisioning())+"# mine\n", 0), `{"number":1,"at":"2026-03-02T12:00:00Z","by":"ada","note":"why",`, ""},
		{"Apply", apply(string(infra.Provisioning())+"# another\n", 0), "another version came into force", operator.Failed},
		{"Configurations", func(ctx context.Context, o operator.Operations) (any, error) { return o.Configurations(ctx) }, `[{"number":1,`, ""},
		{"Configuration", version(new(1)), `"by":"ada"`, ""},
		{"Configuration", version(new(2)), "there is no version 2", operator.Failed},
		{"TestMapping", trial(operator.TestRequest{Name: deadID}), "no settings", operator.Failed},
		{"TestMapping", trial(operator.TestRequest{}), "name one user or group", operator.Invalid},
		{"History", told(operator.HistoryRequest{Name: heldID, Action: "approve"}), `"act":"approve",`, ""},
		{"History", told(operator.HistoryRequest{Name: heldID, Action: "reject"}), `"initiatedBy":{"displayName":"ada@host","initiatorType":"user"},"sourceIdentity":{"identityType":"User","id":"` + heldID + `"},` +
			`"targetIdentity":{"identityType":"User","id":"w","displayName":"ada.webex@example.com"}`, ""},
		{"History", told(operator.HistoryRequest{Action: "guard clear"}), `"description":"it was latched since 2026-03-02T09:00:00Z"`, ""},
		{"History", told(operator.HistoryRequest{Action: "pause"}), `"description":"webex: maintenance"`, ""},
		{"History", told(operator.HistoryRequest{Action: "resume"}), `"description":"webex"`, ""},
		{"History", told(operator.HistoryRequest{Action: "reconcile"}), `"description":"everything is to be compared"`, ""},
		{"History", told(operator.HistoryRequest{Action: "replay"}), `"description":"put back 1 message"`, ""},
		{"History", told(operator.HistoryRequest{Action: "mapping apply", Status: "success"}), `"initiatedBy":{"displayName":"ada","initiatorType":"user"},"provisioningStatusInfo":{"status":"success"},"provisioningSteps":[{"provisioningStepType":"processing","status":"success","description":"version 1: why"}]`, ""},
		{"History", told(operator.HistoryRequest{Action: "mapping apply", Status: "failure"}), `another version came into force`, ""},
		{"History", told(operator.HistoryRequest{Name: "Ada@Example.com", Fault: "permanent"}), `"id":"1",`, ""},
		{"History", told(operator.HistoryRequest{Name: strings.ToUpper(webexID)}), `{"object":{"kind":"group","id":"` + groupID + `"},"entries":[{"id":"2",`, ""},
		{"History", told(operator.HistoryRequest{Correlation: "c-2"}), `"removedMembers":[{"id":"` + heldID + `","displayName":"ada.webex@example.com"},{"id":"` + deadID + `"},{"id":"` + groupID + `"}]`, ""},
		{"History", told(operator.HistoryRequest{Correlation: "c-3"}), `"id":"` + heldID + `","displayName":"ada.webex@example.com"}`, ""},
		{"History", told(operator.HistoryRequest{Until: noon, Limit: 1}), `"more":true,"idle":{"RedundantExport":7}}`, ""},
		{"History", told(operator.HistoryRequest{Until: noon.Add(-time.Hour)}), `"entries":[{"id":"1",`, ""},
		{"History", told(operator.HistoryRequest{Since: noon.Add(time.Minute)}), `{"entries":[]}`, ""},
		{"History", told(operator.HistoryRequest{Name: "Ada"}), "is, or was, the name of 2 objects", operator.Invalid},
		{"History", told(operator.HistoryRequest{Name: "nobody"}), `nothing is kept of "nobody"`, operator.Invalid},
		{"History", told(operator.HistoryRequest{Status: "fine"}), `status is "fine" and must be one of success, warning, failure, skipped`, operator.Invalid},
		{"History", told(operator.HistoryRequest{Action: "kill"}), `action is "kill" and must be one of create, update,`, operator.Invalid},
		{"History", told(operator.HistoryRequest{Fault: "none"}), `fault is "none" and must be one of throttled,`, operator.Invalid},
		{"History", told(operator.HistoryRequest{Limit: -1}), `limit is -1`, operator.Invalid},
		{"History", told(operator.HistoryRequest{Since: noon, Until: noon.Add(-time.Hour)}), `since is later than until`, operator.Invalid},
		{"Provision", provisioning(heldID, "Ada@Example.com"), `"objects":[{"kind":"user","id":"` + heldID + `"}`, ""},
		{"Provision", provisioning("nobody"), `nothing is kept of "nobody"`, operator.Invalid},
		{"Provision", provisioning(), "name 1 to 100 users or groups", operator.Invalid},
		{"History", told(operator.HistoryRequest{Name: heldID, Action: "provision"}), `"act":"provision",`, ""},
		{"Show", showing(heldID), `"object":{"kind":"user","id":"` + heldID + `"},"name":"ada.webex@example.com","entra":{"presence":"unknown","id":"` + heldID + `","error":"no settings"}`, ""},
		{"Show", showing("ada@EXAMPLE.com"), `"hold":{"object":{"kind":"user","id":"` + heldID + `"},"name":"ada.webex@example.com","operation":"disable",`, ""},
		{"Show", showing("w"), `"webex":{"presence":"unknown","id":"w","error":"no settings"}`, ""},
		{"Show", showing(deadID), `"fault":{"kind":"permanent","step":"matching","reason":"taken",`, ""},
		{"Show", showing("Ada"), "is, or was, the name of 2 objects: name one by its id\n  group " + groupID, operator.Invalid},
		{"Show", showing("nobody"), `nothing is kept of "nobody"`, operator.Invalid},
		{"Show", showing(""), "name one user or group", operator.Invalid},
		{"Search", searching(" A.WebEx@"), `{"found":[{"object":{"kind":"user","id":"` + heldID + `"},"name":"ada.webex@example.com","webexId":"w"}]}`, ""},
		{"Search", searching("nobody"), `{"found":[]}`, ""},
		{"Search", searching("a"), "is no part of a name: give 2 to 100 characters", operator.Invalid},
		{"Plan", planOf(plan.Request{}), "name one user or group", operator.Invalid},
		{"Plan", planOf(plan.Request{All: true}), "no settings", operator.Failed},
		{"Migration", func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Migration(ctx, operator.MigrationRequest{}, plan.Watcher{})
		}, "no settings", operator.Failed},
		{"Migrate", func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Migrate(ctx, operator.MigrateRequest{})
		}, "no settings", operator.Failed},
		{"Uninstall", func(ctx context.Context, o operator.Operations) (any, error) {
			return o.Uninstall(ctx, operator.UninstallRequest{Really: true})
		}, "no settings", operator.Failed},
	}
}

func TestTheClientDoesWhatTheOperatorDoes(t *testing.T) {
	t.Parallel()
	direct := stocked(t)
	client := served(t, stocked(t))
	called := map[string]bool{}
	for i, step := range steps() {
		called[step.name] = true
		ctx := operator.As(t.Context(), "ada@host")
		want, wantErr := step.do(ctx, direct)
		got, gotErr := step.do(ctx, client)
		acts := cmpopts.IgnoreFields(history.Entry{}, "ID") // which is each one's own
		if diff := cmp.Diff(want, got, acts, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(operator.Provisioning{}, "Correlation"), cmpopts.IgnoreFields(operator.Shown{}, "Attempts"), cmpopts.IgnoreUnexported(operator.Status{})); diff != "" {
			t.Errorf("%d %s (-operator +client):\n%s", i, step.name, diff)
		}
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
			t.Errorf("%d %s: %v, through the client %v", i, step.name, wantErr, gotErr)
		}
		text, err := json.Marshal(got)
		if said := string(text) + fmt.Sprint(gotErr); err != nil || !strings.Contains(said, step.want) {
			t.Errorf("%d %s: %s; want %q", i, step.name, said, step.want)
		}
		var kind operator.Kind
		if told, ok := errors.AsType[*operator.Error](gotErr); ok {
			kind = told.Kind
		}
		if kind != step.kind {
			t.Errorf("%d %s: an error that is %q; want %q", i, step.name, kind, step.kind)
		}
	}
	all := reflect.TypeFor[operator.Operations]()
	for method := range all.Methods() {
		if !called[method.Name] {
			t.Errorf("%s is never called", method.Name)
		}
	}
	if n := reflect.TypeFor[*operator.Operator]().NumMethod(); n != all.NumMethod() {
		t.Errorf("an operator has %d methods, and %d are served", n, all.NumMethod())
	}
}

// What a step is called with is valid, or it would be told so first.
func TestEveryMethodRefusesTheLedgerOfAnother(t *testing.T) {
	t.Parallel()
	misled := stocked(t)
	misled.TenantID = "99999999-6d4d-4958-8b9f-9d6445542f95"
	wrong := served(t, stocked(t))
	wrong.TenantID, wrong.OrgID = misled.TenantID, orgID
	right := stocked(t)
	right.TenantID, right.OrgID = "", ""
	for name, o := range map[string]operator.Operations{"operator": misled, "its client": served(t, misled), "a client of another tenant": wrong} {
		for i, step := range steps() {
			_, err := step.do(t.Context(), o)
			told, ok := errors.AsType[*operator.Error](err)
			if !ok || told.Kind != operator.Refused && (step.kind != operator.Invalid || told.Kind != operator.Invalid) {
				t.Errorf("%s: %d %s: %v", name, i, step.name, err)
			}
		}
	}
	if _, err := right.Status(t.Context()); err != nil {
		t.Errorf("where no tenant is configured: %v", err)
	}
}

// A socket takes some 200 KB that nobody has read.
func TestALongRequestThatIsRefusedUnreadIsToldSo(t *testing.T) {
	t.Parallel()
	client := served(t, stocked(t))
	client.TenantID, client.OrgID = "99999999-6d4d-4958-8b9f-9d6445542f95", orgID
	long := operator.DecideRequest{IDs: []string{strings.Repeat("x", operator.MaxRequest-100)}}
	for range 20 {
		_, err := client.Approve(t.Context(), long)
		if told, ok := errors.AsType[*operator.Error](err); !ok || told.Kind != operator.Refused {
			t.Fatalf("%v; want what is refused", err)
		}
	}
}

func TestARequestThatIsNoneIsToldSo(t *testing.T) {
	t.Parallel()
	handler := operator.NewHandler(stocked(t), slog.New(slog.DiscardHandler))
	long := `{"ids":["` + strings.Repeat("x", operator.MaxRequest) + `"]}`
	for _, test := range []struct {
		name, method, path, kind, body string
		want                           int
		says                           string
	}{
		{"an unknown path", http.MethodGet, "/run", "", "", http.StatusNotFound, "an operator's commands only"},
		{"another method", http.MethodGet, "/replay", "", "", http.StatusMethodNotAllowed, "/replay is asked with POST"},
		{"another method of a reading", http.MethodPost, "/status", "application/json", "{}", http.StatusMethodNotAllowed, "/status is asked with GET"},
		{"a form of a page in a browser", http.MethodPost, "/guard/clear", "text/plain", "{}", http.StatusUnsupportedMediaType, "application/json"},
		{"a body too large", http.MethodPost, "/holds/approve", "application/json", long, http.StatusRequestEntityTooLarge, "512 KiB"},
		{"a field that is misspelt", http.MethodPost, "/replay", "application/json", `{"filters":[]}`, http.StatusBadRequest, "filters"},
		{"two values", http.MethodPost, "/guard/clear", "application/json", `{}{}`, http.StatusBadRequest, "more than one"},
		{"nothing", http.MethodPost, "/holds/approve", "application/json; charset=utf-8", "", http.StatusBadRequest, "cannot be read"},
		{"what there is not", http.MethodPost, "/pause", "application/json", `{"side":"teams"}`, http.StatusBadRequest, "no side"},
		{"what fails", http.MethodPost, "/plan", "application/json", `{"all":true}`, http.StatusOK, `"end":true,"result":null,"error":{"kind":"failed","error":"no settings"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.kind)
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			if answer.Code != test.want || !strings.Contains(answer.Body.String(), test.says) || !json.Valid(answer.Body.Bytes()) {
				t.Errorf("%d %s; want %d, %q", answer.Code, answer.Body, test.want, test.says)
			}
			if test.want == http.StatusMethodNotAllowed && answer.Header().Get("Allow") == "" {
				t.Error("it does not say how it is asked")
			}
		})
	}
}

func TestAStreamEndsWithTheClientThatAskedForIt(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	const many = 30
	bury(t, o.DeadLetters, many)
	client := served(t, o)
	ctx, goAway := context.WithCancel(t.Context())
	// At this rate it would take half a minute.
	_, err := client.Replay(ctx, replay.Request{Rate: 1}, func(int, int) { goAway() })
	if err == nil || err.Error() != "the command was stopped: context canceled" {
		t.Errorf("error %v", err)
	}
	// What it held is given back at once, and not when its time runs out.
	for deadline := time.After(10 * time.Second); ; {
		depth, err := o.DeadLetters.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if depth.InFlight == 0 && depth.Visible > many/2 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%+v", depth)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestAProcessThatEndsBeforeItsCommandIsTold(t *testing.T) {
	t.Parallel()
	client := answered(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"progress":{"done":1,"of":2}}`+"\n")
	}))
	looked := 0
	_, err := client.Replay(t.Context(), replay.Request{}, func(done, _ int) { looked = done })
	if looked != 1 || err == nil || !strings.Contains(err.Error(), "entrawebex run ended before the command did") {
		t.Errorf("%d, %v", looked, err)
	}
}

// The process that runs may be of before the update of the command.
func TestACommandOfALaterVersionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	for name, amend := range map[string]func(r *http.Request){
		"a field": func(r *http.Request) {
			body := `{"later":true}`
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		},
		"a command": func(r *http.Request) { r.URL.Path = "/later" },
	} {
		handler := operator.NewHandler(o, slog.New(slog.DiscardHandler))
		client := answered(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			amend(r)
			handler.ServeHTTP(w, r)
		}))
		_, err := client.Letters(t.Context(), operator.LettersRequest{})
		if err == nil || !strings.Contains(err.Error(), "of another version than this command: restart it") || !strings.Contains(err.Error(), "later") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong with a request may say anything.
func TestAWrongRequestIsNotTakenForOneOfAnotherVersion(t *testing.T) {
	t.Parallel()
	client := answered(t, operator.NewHandler(stocked(t), slog.New(slog.DiscardHandler)))
	_, err := client.Letters(t.Context(), operator.LettersRequest{Filter: []string{"json: unknown field"}})
	if err == nil || strings.Contains(err.Error(), "another version") {
		t.Error(err)
	}
}

func TestStatusIsToldWhereNoLogIsKept(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	o.Kept = nil
	if s, err := o.Status(t.Context()); err != nil || len(s.Worst) != 1 || s.Latency.Count != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Where the queue does not tell how old its oldest change is, somebody else is asked; all
// else is told if that one knows nothing, or may not be asked.
func TestStatusTellsTheOldestChangeAsItIsKnownElsewhere(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	asked := 0
	o.Oldest = func(context.Context) (operator.Oldest, error) {
		asked++
		return operator.Oldest{}, errors.New("nothing was measured")
	}
	status := func() operator.Status {
		t.Helper()
		s, err := o.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := status(); s.OldestUnknown != "" || asked > 0 {
		t.Errorf("nothing waits, and it is asked how old that is: %q", s.OldestUnknown)
	}
	if err := o.Changes.Send(t.Context(), []queue.Entry{{Group: "users/" + heldID, Body: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	if s := status(); s.OldestUnknown != "nothing was measured" || s.Waiting != 1 {
		t.Errorf("%d wait, the oldest is unknown since %q", s.Waiting, s.OldestUnknown)
	}
	known := operator.Oldest{Since: noon.Add(-time.Hour), AsOf: noon.Add(-time.Minute)}
	o.Oldest = func(context.Context) (operator.Oldest, error) { return known, nil }
	if s := status(); (operator.Oldest{Since: s.Oldest, AsOf: s.OldestAsOf}) != known {
		t.Errorf("the oldest is of %s, as of %s", s.Oldest, s.OldestAsOf)
	}
}
