package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) holdsCommand() *cobra.Command {
	var asJSON *bool
	command := &cobra.Command{
		Use:   "holds",
		Short: "Lists what waits for you: disables, deletes and removals that were too many at a time",
		Long: `Lists the operations that are held, oldest first. They were too many at a time
(GUARD_FLOOR, GUARD_SHARE, GUARD_GROUP_SHARE), or are about PROTECTED_USERS. A
blocked user whose account is still open in Webex is marked "blocked".

Approve those that are meant: each happens once, within 24 hours, if Entra still
asks for it; --all leaves alone what was rejected. Reject the others, or undo in
Entra what caused them: a hold that no longer applies goes away by itself. Then
entrawebex guard clear.
` + storesHelp,
		Example: `  entrawebex holds
  entrawebex holds approve ada@example.com
  entrawebex holds approve --all
  entrawebex holds reject 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				held, err := o.Holds(cmd.Context())
				if err != nil {
					return err
				}
				if *asJSON {
					return printJSON(cmd.OutOrStdout(), held...)
				}
				c.terminal.Holds(cmd.OutOrStdout(), held)
				return nil
			})
		},
	}
	asJSON = jsonFlag(command, lineEach)
	command.AddCommand(c.decisionCommand(approving()), c.decisionCommand(rejecting()))
	return command
}

// decision is a word about what is held.
type decision struct {
	name, short, all, done string
	decide                 func(context.Context, operator.Operations, operator.DecideRequest) (operator.Decided, error)
}

func approving() decision {
	return decision{
		name: "approve", short: "Lets held operations happen", done: "approved",
		all: "everything that is undecided; what was rejected must be named",
		decide: func(ctx context.Context, o operator.Operations, r operator.DecideRequest) (operator.Decided, error) {
			return o.Approve(ctx, r)
		},
	}
}

func rejecting() decision {
	return decision{
		name: "reject", short: "Leaves operations held until their objects change in Entra", done: "rejected",
		all: "everything that is held",
		decide: func(ctx context.Context, o operator.Operations, r operator.DecideRequest) (operator.Decided, error) {
			return o.Reject(ctx, r)
		},
	}
}

// decisionCommand decides on the holds of the objects named, or on all.
func (c console) decisionCommand(what decision) *cobra.Command {
	var all bool
	var asJSON *bool
	command := &cobra.Command{
		Use:   what.name + " (USER|GROUP... | --all)",
		Short: what.short,
		Long:  what.short + ". USER and GROUP are a userPrincipalName, mail, userName or\ndisplayName as a whole, or an id of Entra or Webex.\n" + storesHelp,
		RunE: func(cmd *cobra.Command, ids []string) error {
			r := operator.DecideRequest{IDs: ids, All: all}
			if err := r.Validate(); err != nil {
				return usageError{err}
			}
			return c.with(cmd.Context(), func(o operator.Operations) error {
				decided, err := what.decide(cmd.Context(), o, r)
				if err != nil {
					return err
				}
				if *asJSON {
					err = printJSON(cmd.OutOrStdout(), decided)
				} else {
					tellDecided(cmd.OutOrStdout(), decided, what.done)
				}
				if err == nil && len(decided.Failed) > 0 {
					err = errors.New(strings.Join(decided.Failed, "\n"))
				}
				return err
			})
		},
	}
	command.Flags().BoolVar(&all, "all", false, what.all)
	asJSON = jsonFlag(command, oneLine)
	return command
}

func (c console) guardCommand() *cobra.Command {
	command := c.latchCommand("guard", "Tells whether the guard against mass destruction is latched",
		`Tells whether the guard is latched. While it is, every disable and delete is held;
all else goes on. See entrawebex holds.
`, "The guard is latched since %s.\n", operator.Operations.Guard)
	command.AddCommand(c.latchCommand("clear", "Takes the latch off: disables and deletes go ahead again, and are counted anew",
		`Takes the latch off: disables and deletes go ahead again, and are counted anew.
What is held stays held until it is approved (entrawebex holds approve), or until
its object changes.
`, "The guard was latched since %s and is now off.\n", operator.Operations.ClearGuard))
	return command
}

// latchCommand is one about the latch, which it returns as it was found.
func (c console) latchCommand(name, short, long, latched string, find func(operator.Operations, context.Context) (operator.Latch, error)) *cobra.Command {
	var asJSON *bool
	command := &cobra.Command{
		Use: name, Short: short, Long: long + storesHelp, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				latch, err := find(o, cmd.Context())
				switch out := cmd.OutOrStdout(); {
				case err != nil:
					return err
				case *asJSON:
					return printJSON(out, latch)
				case latch.Since.IsZero():
					fmt.Fprintln(out, "The guard is not latched.")
				default:
					fmt.Fprintf(out, latched, latch.Since.UTC().Format(time.RFC3339))
				}
				return nil
			})
		},
	}
	asJSON = jsonFlag(command, oneLine)
	return command
}

// tellDecided tells what was decided on.
func tellDecided(out io.Writer, decided operator.Decided, done string) {
	for _, h := range decided.Done {
		terminal.Say(out, fmt.Sprintf("%s: %s of %s", done, terminal.Operation(h), strings.Join(terminal.ObjectLines(h.Name, h.Object), ", ")))
	}
	if decided.LeftAlone > 0 {
		terminal.Say(out, fmt.Sprintf("left alone: %s rejected before; name an object to approve it all the same", operator.Counted(decided.LeftAlone, "hold")))
	}
}
