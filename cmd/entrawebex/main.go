// Command entrawebex takes the users and groups of a Microsoft Entra tenant to a
// Cisco Webex organization, and lets an operator look at that.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(os.Stderr, "entrawebex:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// errReported is returned where the output has already told what is wrong.
var errReported = errors.New("reported")

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "entrawebex",
		Short: "Takes the users and groups of Microsoft Entra ID to Cisco Webex, as they change",
		Long: `entrawebex takes the users and groups of a Microsoft Entra tenant to a Cisco
Webex organization within seconds of a change: Microsoft Graph notifies, the change is
queued, and Webex is made to match what Entra says then.

Try it without any account:

  entrawebex run --sandbox

Serve a real tenant and organization, once the environment is set:

  entrawebex check
  entrawebex run`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.AddCommand(runCommand(), checkCommand(), deadLettersCommand(), replayCommand(), holdsCommand(), guardCommand(), statusCommand(), pauseCommand(), resumeCommand())
	return root
}

// environment is told by the help of every command that reads it.
const environment = `
Environment:
  ENTRA_TENANT_ID         the tenant, a GUID
  ENTRA_CLIENT_ID         the app registration (infra/register-app.sh makes one)
  ENTRA_CLIENT_SECRET     its secret
  ENTRA_CLOUD             public (default), usgov, usgov-dod or china
  WEBEX_ORG_ID            the organization, from Control Hub, Account
  WEBEX_ACCESS_TOKEN      a token with the scope identity:people_rw
  WEBEX_CLOUD             public (default) or usgov
  WEBHOOK_URL             where Graph reaches this process, https
  CLIENT_STATE            a secret of yours: openssl rand -hex 32
  CLIENT_STATE_PREVIOUS   the one before it, while it is being changed
  SCOPE                   assigned (default): those assigned to the enterprise application;
                          or all: everybody in the tenant
  ENTRA_APP_ID            its Application ID, if it is not the app registration's own
  DEFAULT_ACCESS          include (default) or exclude those assigned without an app role
  SKIP_OUT_OF_SCOPE_DELETIONS
                          true: who leaves the scope stays active in Webex (false)
  PROVISION_GROUPS        true (default), or false to leave groups alone in Webex
  NESTED_GROUPS           true: the users of groups within a group are its members (false)
  GROUP_SOFT_DELETE       keep (default) or delete a group in Entra's recycle bin
  PROTECTED_USERS         ids or userNames never disabled or deleted, comma-separated
  UPSERT_ONLY             true: nothing is disabled, deleted or removed from a group (false)
  GUARD_FLOOR, GUARD_SHARE, GUARD_WINDOW
                          disables and deletes wait for you above the larger of 20 objects
                          and 1 percent of those provisioned, in 60m
  GUARD_GROUP_SHARE       and removals above 20 percent of a group's members
  DELETE_CONFIRM_AFTER    time between the two looks before a delete (10m)
  LISTEN_ADDR             where to listen (127.0.0.1:8080)
  DATA_DIR                where queue and ledger live (data)
  RENEW_INTERVAL          how often the subscription is looked after (1m)
  RECONCILE_INTERVAL      how often what no notification told is looked for (1m)
  SECRET_ARN              AWS secrets that supply any of these, comma-separated
`
