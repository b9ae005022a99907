package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"entrawebex/internal/app"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

func checkCommand(environ []string) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Tests the connection to Entra and Webex, and the way back to the webhook",
		Long: `Tests what a run needs, one line each, and says how to mend what fails:
the settings, whose the ledger is, the Graph token and each permission, the tenant,
the Webex token and organization, a search that must be empty, a page of the users
and of the groups, and the webhook's handshake as Graph will make it. Nothing is
changed on either side: what reaches Webex cannot write.
` + environment,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.Load(cmd.Context(), config.OneProcess, environ, config.Secret)
			if err != nil {
				return err
			}
			return check(cmd.Context(), cmd.OutOrStdout(), settings)
		},
	}
}

// check prints a line for everything a run needs.
func check(ctx context.Context, out io.Writer, s config.Settings) error {
	sides, err := app.OpenSides(s, slog.Default())
	if err != nil {
		return err
	}
	directory, target := sides.Graph, sides.Webex
	failed := false
	line := func(what, detail string, err error) {
		mark := "ok  "
		if err != nil {
			mark, detail, failed = "FAIL", err.Error(), true
		}
		fmt.Fprintf(out, "%s  %-24s %s\n", mark, what, detail)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(out, "note  %-24s %s\n", "Settings", w)
	}
	line("Settings", "complete", nil)
	kept, err := checkLedger(ctx, s)
	line("Ledger", kept, err)
	line("Entra tenant", s.Entra.TenantID, app.CheckTenant(ctx, directory, s.Entra.TenantID))
	for _, p := range checkPermissions(ctx, directory, s.Everybody()) {
		line("Entra permission", p.name, p.err)
	}
	for _, kind := range change.Kinds() {
		line("Entra "+string(kind)+"s", "can be read, in the recycle bin too", checkObjects(ctx, directory, kind))
	}
	if !s.Everybody() {
		assigned, err := app.CheckAssignments(ctx, directory, s.Entra.AppID)
		line("Enterprise application", assigned, err)
	}
	_, err = directory.Subscriptions(ctx)
	line("Entra subscriptions", "can be listed", err)
	err = app.CheckWebex(ctx, target)
	line("Webex organization", s.Webex.OrgID, err)
	if err == nil {
		for _, kind := range change.Kinds() {
			line("Webex "+string(kind)+"s", "can be listed", checkList(ctx, target, kind))
		}
	}
	if s.Webhook.URL == "" {
		line("Webhook", "none: WEBHOOK_URL is empty, and Graph is asked for changes every "+s.ReconcileInterval.String(), nil)
	}
	for _, path := range []string{"/notifications", "/lifecycle"} {
		if s.Webhook.URL == "" {
			break
		}
		address := strings.TrimRight(s.Webhook.URL, "/") + path
		line("Webhook handshake", address, checkHandshake(ctx, address))
	}
	if failed {
		return errReported
	}
	return nil
}

// checkLedger tells whose ledger it is, if there is one.
func checkLedger(ctx context.Context, s config.Settings) (string, error) {
	found, err := operations.OpenWith(ctx, s, func(context.Context) (config.Settings, error) { return s, nil }, operatorLog())
	if errors.Is(err, fs.ErrNotExist) {
		return "none in DATA_DIR yet: the first start makes it", nil
	}
	if err != nil {
		return "", err
	}
	return "of this tenant and organization", errors.Join(found.Bound(ctx), found.Close())
}

type permission struct {
	name string
	err  error
}

// checkPermissions compares what the token may do with what is needed.
func checkPermissions(ctx context.Context, directory *entra.Client, everybody bool) []permission {
	roles, known, err := directory.Roles(ctx)
	if err != nil {
		return []permission{{err: err}}
	}
	if !known {
		return []permission{{name: "not listed in this kind of token; the next lines show what works"}}
	}
	needed := []string{"User.Read.All", "Group.Read.All", "Organization.Read.All"}
	if !everybody {
		needed = append(needed, "Application.Read.All", "Directory.Read.All")
	}
	var list []permission
	for _, name := range needed {
		p := permission{name: name}
		if !slices.Contains(roles, name) {
			p.err = fmt.Errorf("%s is missing: add it to the app registration as an application permission and grant admin consent", name)
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

// checkHandshake calls the webhook as Graph does when a subscription is made
// (change-notifications-delivery-webhooks, "notificationUrl validation").
func checkHandshake(ctx context.Context, address string) error {
	const within = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	token := "Validation: check + 100% & " + uuid.NewString()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?validationToken="+url.QueryEscape(token), http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(request)
	if err != nil {
		return fmt.Errorf("%w: start the webhook, or correct WEBHOOK_URL", err)
	}
	defer response.Body.Close()
	const enough = 4 << 10
	body, err := io.ReadAll(io.LimitReader(response.Body, enough))
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s: it must let Graph in without authentication", response.Status)
	case string(body) != token:
		return errors.New("it does not answer with the token: something else listens there, or a proxy rewrites the query")
	default:
		return nil
	}
}
