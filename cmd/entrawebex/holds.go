package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) holdsCommand() *cobra.Command {
	command := answer[[]operator.Held]{
		ask:  plainly(operator.Operations.Holds),
		draw: c.terminal.Holds, encode: printEach[operator.Held], usage: lineEach,
	}.of(c, &cobra.Command{
		Use:   "holds",
		Short: "Lists what waits for you: disables, deletes and removals that were too many at a time",
		Long: `Lists the operations that are held, oldest first. They were too many at a time
(GUARD_FLOOR, GUARD_SHARE, GUARD_GROUP_SHARE), or are about PROTECTED_USERS. A
blocked user whose account is still open in Webex is marked "blocked".

Approve those that are meant: each happens once, within 24 hours, if Entra still
asks for it; --all leaves alone what was rejected. Reject the others, or undo in
Entra what caused them: a hold that no longer applies goes away by itself. Then
entrawebex guard clear.
` + source.Help,
		Example: `  entrawebex holds
  entrawebex holds approve ada@example.com
  entrawebex holds approve --all
  entrawebex holds reject 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607`,
		Args: cobra.NoArgs,
	})
	command.AddCommand(
		c.decisionCommand("approve", "Lets held operations happen", "approved", "everything that is undecided; what was rejected must be named", operator.Operations.Approve),
		c.decisionCommand("reject", "Leaves operations held until their objects change in Entra", "rejected", "everything that is held", operator.Operations.Reject),
	)
	return command
}

// decisionCommand decides on the holds of the objects named, or on all; done is the word
// for what was.
func (c console) decisionCommand(name, short, done, all string, decide func(operator.Operations, context.Context, operator.DecideRequest) (operator.Decided, error)) *cobra.Command {
	var r operator.DecideRequest
	command := answer[operator.Decided]{
		check: func(ids []string) error {
			r.IDs = ids
			return misused(r.Validate())
		},
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Decided, error) {
			return decide(o, ctx, r)
		},
		draw: func(out io.Writer, decided operator.Decided) { terminal.Decided(out, decided, done) },
		judge: func(decided operator.Decided) error {
			if len(decided.Failed) > 0 {
				return errors.New(strings.Join(decided.Failed, "\n"))
			}
			return nil
		},
	}.of(c, &cobra.Command{
		Use:   name + " (USER|GROUP... | --all)",
		Short: short,
		Long:  short + ". USER and GROUP are a userPrincipalName, mail, userName or\ndisplayName as a whole, or an id of Entra or Webex.\n" + source.Help,
	})
	command.Flags().BoolVar(&r.All, "all", false, all)
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
	return answer[operator.Latch]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Latch, error) {
			return find(o, ctx)
		},
		draw: func(out io.Writer, l operator.Latch) { terminal.Latch(out, l, latched) },
	}.of(c, &cobra.Command{Use: name, Short: short, Long: long + source.Help, Args: cobra.NoArgs})
}
