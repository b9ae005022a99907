package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/migration"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
	"entrawebex/internal/replay"
)

// Client has a process that serves a Handler do what an Operator does. What it is
// asked for ends with its context, here and there.
type Client struct {
	// TenantID and OrgID are those that are configured; empty where none are.
	TenantID, OrgID string

	http *http.Client
	base string
}

// NewClient returns a client of the process that listens on the unix socket.
func NewClient(socket string) *Client {
	return &Client{base: "http://entrawebex", http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// Environment is Operator.Environment.
func (c *Client) Environment(ctx context.Context) ([]config.Value, error) {
	return call[[]config.Value](ctx, c, pathEnvironment, nil)
}

// Configuration is Operator.Configuration.
func (c *Client) Configuration(ctx context.Context, r ConfigurationRequest) (configuration.Stored, error) {
	return call[configuration.Stored](ctx, c, pathConfiguration, r)
}

// Provision is Operator.Provision.
func (c *Client) Provision(ctx context.Context, r ProvisionRequest) (Provisioning, error) {
	return call[Provisioning](ctx, c, pathProvision, r)
}

// TestMapping is Operator.TestMapping.
func (c *Client) TestMapping(ctx context.Context, r TestRequest) (plan.Trial, error) {
	return call[plan.Trial](ctx, c, pathTestMapping, r)
}

// Configurations is Operator.Configurations.
func (c *Client) Configurations(ctx context.Context) ([]configuration.Version, error) {
	return call[[]configuration.Version](ctx, c, pathConfigurations, nil)
}

// Apply is Operator.Apply.
func (c *Client) Apply(ctx context.Context, r ApplyRequest) (configuration.Version, error) {
	return call[configuration.Version](ctx, c, pathApply, r)
}

// Status is Operator.Status.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, pathStatus, nil)
}

// Pipeline is Operator.Pipeline.
func (c *Client) Pipeline(ctx context.Context, r PipelineRequest) (Pipeline, error) {
	return call[Pipeline](ctx, c, pathPipeline, r)
}

// Holds is Operator.Holds.
func (c *Client) Holds(ctx context.Context) ([]Held, error) {
	return call[[]Held](ctx, c, pathHolds, nil)
}

// Approve is Operator.Approve.
func (c *Client) Approve(ctx context.Context, r DecideRequest) (Decided, error) {
	return call[Decided](ctx, c, pathApprove, r)
}

// Reject is Operator.Reject.
func (c *Client) Reject(ctx context.Context, r DecideRequest) (Decided, error) {
	return call[Decided](ctx, c, pathReject, r)
}

// Guard is Operator.Guard.
func (c *Client) Guard(ctx context.Context) (Latch, error) {
	return call[Latch](ctx, c, pathGuard, nil)
}

// ClearGuard is Operator.ClearGuard.
func (c *Client) ClearGuard(ctx context.Context) (Latch, error) {
	return call[Latch](ctx, c, pathClearGuard, struct{}{})
}

// Letters is Operator.Letters.
func (c *Client) Letters(ctx context.Context, r LettersRequest) (Letters, error) {
	return call[Letters](ctx, c, pathDeadLetters, r)
}

// History is Operator.History.
func (c *Client) History(ctx context.Context, r HistoryRequest) (History, error) {
	return call[History](ctx, c, pathHistory, r)
}

// Show is Operator.Show.
func (c *Client) Show(ctx context.Context, r ShowRequest) (Shown, error) {
	return call[Shown](ctx, c, pathShow, r)
}

// Search is Operator.Search.
func (c *Client) Search(ctx context.Context, r SearchRequest) (Search, error) {
	return call[Search](ctx, c, pathSearch, r)
}

// Pause is Operator.Pause.
func (c *Client) Pause(ctx context.Context, r PauseRequest) (pause.State, error) {
	return call[pause.State](ctx, c, pathPause, r)
}

// Resume is Operator.Resume.
func (c *Client) Resume(ctx context.Context, r ResumeRequest) (Resumed, error) {
	return call[Resumed](ctx, c, pathResume, r)
}

// Uninstall is Operator.Uninstall.
func (c *Client) Uninstall(ctx context.Context, r UninstallRequest) (Uninstallation, error) {
	return call[Uninstallation](ctx, c, pathUninstall, r)
}

// Migrate is Operator.Migrate.
func (c *Client) Migrate(ctx context.Context, r MigrateRequest) (Resumed, error) {
	return call[Resumed](ctx, c, pathMigrate, r)
}

// Migration is Operator.Migration.
func (c *Client) Migration(ctx context.Context, r MigrationRequest, watcher plan.Watcher) (*migration.Report, error) {
	return follow[*migration.Report](ctx, c, pathMigration, r, func(f frame) {
		if f.Progress != nil && watcher.Progress != nil {
			watcher.Progress(f.Progress.Phase, f.Progress.Done, f.Progress.Of)
		}
	})
}

// Reconcile is Operator.Reconcile.
func (c *Client) Reconcile(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, pathReconcile, struct{}{})
	return err
}

// Replay is Operator.Replay.
func (c *Client) Replay(ctx context.Context, r replay.Request, progress func(done, of int)) (replay.Result, error) {
	return follow[replay.Result](ctx, c, pathReplay, r, func(f frame) {
		if f.Progress != nil && progress != nil {
			progress(f.Progress.Done, f.Progress.Of)
		}
	})
}

// Plan is Operator.Plan.
func (c *Client) Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	return follow[*plan.Plan](ctx, c, pathPlan, r, func(f frame) {
		if f.Progress != nil && watcher.Progress != nil {
			watcher.Progress(f.Progress.Phase, f.Progress.Done, f.Progress.Of)
		}
		if f.Account != nil && watcher.Account != nil {
			watcher.Account(*f.Account)
		}
	})
}

// call asks once. A nil request is asked with GET.
func call[Result any](ctx context.Context, c *Client, path string, request any) (Result, error) {
	var result Result
	body, err := c.ask(ctx, path, request)
	if err != nil {
		return result, err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&result); err != nil {
		var none Result
		return none, stopped(ctx, fmt.Errorf("%w: %w", errEndedEarly, err))
	}
	return result, nil
}

// follow asks for a stream, and tells each of its frames until the last.
func follow[Result any](ctx context.Context, c *Client, path string, request any, tell func(frame)) (Result, error) {
	var result Result
	body, err := c.ask(ctx, path, request)
	if err != nil {
		return result, err
	}
	defer body.Close()
	for decoder := json.NewDecoder(body); ; {
		var f frame
		if err := decoder.Decode(&f); err != nil {
			return result, stopped(ctx, fmt.Errorf("%w: %w", errEndedEarly, err))
		}
		if !f.End {
			tell(f)
			continue
		}
		err := json.Unmarshal(f.Result, &result)
		if f.Error != nil {
			err = f.Error
		}
		return result, err
	}
}

// ask sends the request and returns the body of an answer that is none of trouble.
func (c *Client) ask(ctx context.Context, path string, request any) (io.ReadCloser, error) {
	method, body := http.MethodGet, []byte(nil)
	if request != nil {
		var err error
		method = http.MethodPost
		if body, err = json.Marshal(request); err != nil {
			return nil, fmt.Errorf("encode the command: %w", err)
		}
	}
	if len(body) > MaxRequest {
		return nil, errTooLong
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", typeJSON)
	r.Header.Set(headerTenant, c.TenantID)
	r.Header.Set(headerOrganization, c.OrgID)
	r.Header.Set(headerOperator, printable.Short(Actor(ctx), longestActor))
	response, err := c.http.Do(r)
	if err != nil {
		return nil, stopped(ctx, fmt.Errorf("ask entrawebex run: %w", err))
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	const enough = 64 << 10
	text, err := io.ReadAll(io.LimitReader(response.Body, enough))
	if err != nil {
		return nil, stopped(ctx, errors.Join(errEndedEarly, err))
	}
	return nil, decodeError(response.Status, text)
}

// stopped returns why ctx ended, if it did, and err otherwise.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the command was stopped: %w", context.Cause(ctx))
	}
	return err
}
