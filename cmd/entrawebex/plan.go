package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/progress"
	"entrawebex/internal/terminal"
)

// planOptions are what a plan is asked for.
type planOptions struct {
	plan.Request

	// file takes each account and its class, if it has a name; mapping is the file to
	// plan by.
	file, mapping string
}

func (c console) planCommand() *cobra.Command {
	var options planOptions
	var command *cobra.Command
	command = answer[*plan.Plan]{
		early: true,
		check: options.read,
		ask: func(ctx context.Context, o operator.Operations, _ []string) (*plan.Plan, error) {
			return c.makePlan(ctx, o, command.ErrOrStderr(), options)
		},
		draw:  c.terminal.Plan,
		usage: "print one line of JSON, which has the objects that are skipped too",
	}.of(c, &cobra.Command{
		Use:   "plan (USER | GROUP | --all)",
		Short: "Shows what would be created, changed, disabled and deleted in Webex, and writes nothing",
		Long: `Shows what would be written to Webex for one user or group, or for everything, and
why what is not written is not: what would be disabled or deleted first, then what
would fail, be changed (attribute, old value, new value) and be created. It is the
engine itself that decides, on Entra and Webex as they are now, through a client that
cannot write. The ledger and the queue stay as they are, nobody is hindered, and what
the guard would hold (GUARD_FLOOR, GUARD_SHARE, GUARD_GROUP_SHARE) is told as held.

USER is an Entra object id, a userPrincipalName, the userName in Webex or a
displayName, GROUP an object id or a displayName. One is compared with Webex whatever
was last written, and of a group all members are.

--all reads both sides as a whole, as the first start does: a call for each 100
accounts and 25 groups of Webex. With --accounts every account of either side is
written to FILE in its class, for a spreadsheet: in sync, behind, new, drifted
(changed in Webex since), missing, unassigned, not listed by Entra, and local (in
Webex, and nobody's in Entra: never touched).

What follows from it for other objects, such as a group for which a member has come, is
counted and not gone into. A delete is shown that would come when Entra was asked a
second time (DELETE_CONFIRM_AFTER). Names and attributes are shown, secrets are not.
` + source.Help + `  ENTRA_…, WEBEX_…, PROVISION_GROUPS, NESTED_GROUPS, GROUP_SOFT_DELETE,
  PROTECTED_USERS, UPSERT_ONLY, GUARD_…
                          as entrawebex run has them (entrawebex run --help);
                          while it runs, its own are used
`,
		Example: `  entrawebex plan --all
  entrawebex plan --all --accounts accounts.csv
  entrawebex plan ada@example.com
  entrawebex plan "All staff"
  entrawebex plan --all --mapping provisioning.yaml --scope all
  entrawebex plan 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 --json
  entrawebex plan --all --json | jq '.objects[] | select(.action == "disable") | .name'`,
		Args: cobra.MaximumNArgs(1),
	})
	flags := command.Flags()
	flags.BoolVar(&options.All, "all", false, "plan for all users and groups")
	flags.StringVar(&options.mapping, "mapping", "", "plan by this mapping `FILE` and not by the one in force")
	flags.StringVar(&options.Scope, "scope", "", "plan as if SCOPE were this: assigned or all")
	flags.IntVar(&options.GuardFloor, "guard-floor", 0, "plan as if GUARD_FLOOR were this")
	flags.IntVar(&options.GuardShare, "guard-share", 0, "plan as if GUARD_SHARE were this")
	flags.StringVar(&options.file, "accounts", "", "with --all: write each account and its class to this CSV `FILE`")
	return command
}

// read reads what is to be planned, and the mapping file to plan by.
func (o *planOptions) read(args []string) (err error) {
	if len(args) == 1 {
		o.Name = args[0]
	}
	o.Accounts = o.file != ""
	if o.Configuration, _, err = source.ReadMapping(o.mapping); err != nil {
		return err
	}
	return misused(o.Validate())
}

// makePlan has the plan made, and writes the accounts to a file if it has a name.
func (c console) makePlan(ctx context.Context, o operator.Operations, errOut io.Writer, options planOptions) (made *plan.Plan, err error) {
	var watcher plan.Watcher
	defer c.watch(errOut, &watcher)()
	options.Watched = c.terminal.Progress
	if options.Accounts {
		list, createErr := terminal.CreateAccounts(options.file)
		if createErr != nil {
			return nil, createErr
		}
		defer func() { err = errors.Join(err, list.Close()) }()
		watcher.Account = list.Add
	}
	return o.Plan(ctx, options.Request, watcher)
}

// watch has the watcher show how far something is, if somebody is there to see, until done
// is called.
func (c console) watch(errOut io.Writer, w *plan.Watcher) (done func()) {
	line := &progress.Line{Out: errOut}
	if c.terminal.Progress {
		w.Progress = line.Tell
	}
	return line.Clear
}
