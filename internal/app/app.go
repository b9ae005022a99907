// Package app is the one place that puts the parts of the system together: stores,
// both sides' clients, the engine, and the jobs around it, on AWS or on one machine.
package app

import (
	"context"
	"log/slog"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/history"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/replay"
	"entrawebex/internal/sweep"
	"entrawebex/internal/webex"
	"entrawebex/internal/worker"
)

// App is the system, or as much of it as the settings have what it takes: a job
// whose settings are not there must not be run.
type App struct {
	Settings config.Settings
	// Rules are the mappings in force.
	Rules func(ctx context.Context) mapping.Rules
	// Latest reads the settings again.
	Latest *config.Latest
	Stores *stores.Stores
	// Graph and Webex are the sides themselves.
	Graph *entra.Client
	Webex *webex.Client

	Worker    *worker.Worker
	Reconcile interface {
		Run(ctx context.Context) error
	}
	Sweeps *sweep.Schedule
	Token  *renew.TokenJob
	// Secret is nil without a client secret.
	Secret   *renew.SecretJob
	Recovery *pause.Recovery
	Drops    *replay.Drops
	// Subscriptions is nil without a webhook.
	Subscriptions *renew.Job

	metrics *metrics
	log     *slog.Logger
	close   func() error
}

// Close gives back what was opened.
func (a *App) Close() error { return a.close() }

// backend is what differs with where the system runs.
type backend struct {
	stores *stores.Stores
	// latest reads the settings again, and webex what to reach Webex with.
	latest *config.Latest
	webex  func(ctx context.Context) config.Webex
	// tokens keep those of a service app; they are not asked for without one.
	tokens func() renew.Tokens
	// oneClock says that one process writes the ledger.
	oneClock bool
	// askEvery is how often it is asked whether another configuration is in force.
	askEvery time.Duration
	// metrics counts what is done; nil for nothing.
	metrics *metrics
}

// open puts a part together. Its ledger is bound to the tenant and organization of
// the settings, or refuses them. observe is told every attempt, and may be nil.
func open(ctx context.Context, s config.Settings, on backend, observe func(provision.Attempt), log *slog.Logger) (*App, error) {
	kept := on.stores
	if err := startPaused(ctx, &s, kept.Ledger, log); err != nil {
		return nil, err
	}
	if err := ledger.Bind(ctx, kept.Ledger, s.Entra.TenantID, s.Webex.OrgID, s.AWS.LedgerTable); err != nil {
		return nil, err
	}
	graph, err := entra.OpenRotating(s.Entra, nil, on.latest.Entra, log)
	if err != nil {
		return nil, err
	}
	target, err := webex.OpenRotating(s.Webex, on.webex, log)
	if err != nil {
		return nil, err
	}
	sides := pause.New(kept.Ledger, graph, target, log)
	store, err := Configurations(&s, kept.Ledger)
	if err != nil {
		return nil, err
	}
	current := &inForce{store: store, every: on.askEvery, now: time.Now, log: log}
	attempts := history.NewLog(kept.History, s.Entra.TenantID, time.Now, log)
	current.build = func(rules mapping.Rules) *Parts {
		return &Parts{
			Settings: s, Rules: rules, Graph: graph.Selecting(rules.Select()), Webex: target, Ledger: kept.Ledger,
			Queue: queue.Changes{Queue: kept.Changes}, Rests: sides.Why, OneClock: on.oneClock, Observe: observe, History: attempts, Log: log,
		}
	}
	if err := current.begin(ctx); err != nil {
		return nil, err
	}
	parts := current.present.parts
	delivered := &renew.Deliveries{Documents: kept.Ledger, Log: log}
	a := &App{
		Settings: s, Rules: current.rules, Latest: on.latest, Stores: kept, Graph: graph, Webex: target,
		Worker: &worker.Worker{
			Queue: kept.Changes, DeadLetters: letters{kept.DeadLetters, on.metrics.set()}, Letters: parts.Letters(), Pause: sides, Log: log,
			Converge: func(ctx context.Context, changes []change.Change) []provision.Attempt {
				attempts := current.converge(ctx, changes)
				delivered.Worked(ctx, changes)
				return attempts
			},
		},
		Reconcile: looks{current},
		Sweeps:    current.schedule(),
		Token:     tokenJob(s.Webex, on, sides, log),
		Secret:    secretJob(s.Entra, on, graph, log),
		Recovery:  kept.Recovery(sides, parts.Requests().Request, log),
		close:     func() error { return nil },
		log:       log,
		metrics:   on.metrics,
		Drops:     &replay.Drops{Dead: kept.DeadLetters, Letters: parts.Letters(), Look: kept.Look, Log: log},
	}
	if on.metrics != nil {
		a.Sweeps.Observe = on.metrics.compared
	}
	if s.Webhook.URL != "" {
		clientState := func(ctx context.Context) string {
			now, _ := on.latest.Webhook(ctx)
			return now.ClientState
		}
		a.Subscriptions = &renew.Job{
			Graph: graph, Documents: kept.Ledger, Resources: renew.Resources(s.GroupsMatter()),
			WebhookURL: s.Webhook.URL, ClientState: clientState, Interval: s.RenewInterval, Now: time.Now, Log: log,
		}
	}
	return a, nil
}

// startPaused pauses Webex before the first start of a ledger where that is asked for, as
// an operator does; also of one that was restored, in which a pause of today is not. A
// ledger that has had it is gone on with.
func startPaused(ctx context.Context, s *config.Settings, kept stores.Ledger, log *slog.Logger) error {
	if !s.StartPaused {
		return nil
	}
	first, err := ledger.FirstStart(ctx, kept, s.Entra.TenantID, s.Webex.OrgID, s.AWS.LedgerTable)
	if err != nil || !first {
		return err
	}
	const why = "it starts so (START_PAUSED): look at entrawebex plan --all first"
	sides := &pause.Switch{Documents: kept, Now: time.Now, Log: log}
	return sides.Pause(ctx, pause.Webex, pause.Pause{Since: time.Now(), Why: why, ByOperator: true})
}

// secretJob finds out when the client secret ends, or what is in its place; nil where a
// fixed token is.
func secretJob(s config.Entra, on backend, graph *entra.Client, log *slog.Logger) *renew.SecretJob {
	if s.AccessToken != "" {
		return nil
	}
	return &renew.SecretJob{
		Documents: on.stores.Ledger, Now: time.Now, Log: log,
		Read: func(ctx context.Context) (renew.Credential, time.Time, error) {
			switch present := on.latest.Entra(ctx); {
			case present.Federation != "":
				return renew.Federation, time.Time{}, nil
			case present.ClientCertificate != "":
				return renew.Certificate, present.CertificateEnds(), nil
			case !present.SecretEnds().IsZero():
				return renew.ClientSecret, present.SecretEnds(), nil
			default:
				ends, err := graph.SecretEnds(ctx, present.ClientID, present.ClientSecret, time.Now())
				return renew.ClientSecret, ends, err
			}
		},
	}
}

// tokenJob keeps the token for Webex alive.
func tokenJob(s config.Webex, on backend, sides *pause.Switch, log *slog.Logger) *renew.TokenJob {
	job := &renew.TokenJob{
		Ends: s.TokenEnds(), Documents: on.stores.Ledger, Now: time.Now, Log: log,
		Refused: func(ctx context.Context) (time.Time, error) { return sides.Refused(ctx, pause.Webex) },
	}
	if s.HasServiceApp() {
		job.Tokens = on.tokens()
		job.Refresh = webex.OpenRefresh(on.webex)
	}
	return job
}
