package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

func (d desk) holdsCommand() *cobra.Command {
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
` + homesHelp,
		Example: `  entrawebex holds
  entrawebex holds approve 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607
  entrawebex holds approve --all
  entrawebex holds reject 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.inHomes(cmd.Context(), func(h *homes) error { return h.list(cmd.Context(), cmd.OutOrStdout()) })
		},
	}
	command.AddCommand(d.decisionCommand(approving()), d.decisionCommand(rejecting()))
	return command
}

// decision is what an operator says about what is held.
type decision struct {
	name, short, all, done string
	decide                 func(context.Context, *homes, provision.Record) error
	// spares are those that --all leaves alone.
	spares func(r provision.Record, now time.Time) bool
}

// approving spares what was decided: --all is no word about what a person has
// rejected by another.
func approving() decision {
	return decision{
		name: "approve", short: "Lets held operations happen", done: "approved",
		all: "everything that is undecided; what was rejected must be named",
		decide: func(ctx context.Context, h *homes, r provision.Record) error {
			return provision.Approve(ctx, h.ledger, queue.Changes{Queue: h.changes}, r.Object, r.Hold.Operation, h.Now())
		},
		spares: func(r provision.Record, now time.Time) bool { return !r.Undecided(now) },
	}
}

// rejecting spares nothing: what was approved and has not happened yet is
// stopped.
func rejecting() decision {
	return decision{
		name: "reject", short: "Leaves operations held until their objects change in Entra", done: "rejected",
		all: "everything that is held",
		decide: func(ctx context.Context, h *homes, r provision.Record) error {
			return provision.Reject(ctx, h.ledger, r.Object, r.Hold.Operation, h.Now())
		},
		spares: func(provision.Record, time.Time) bool { return false },
	}
}

// decisionCommand decides on the holds of the objects named, or on all.
func (d desk) decisionCommand(what decision) *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   what.name + " (OBJECT... | --all)",
		Short: what.short,
		Long:  what.short + ". OBJECT is the Entra object id that entrawebex holds shows.\n" + homesHelp,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return errors.New("name the objects by their ids, or say --all")
			}
			return d.inHomes(cmd.Context(), func(h *homes) error {
				return h.decide(cmd.Context(), cmd.OutOrStdout(), ids, what)
			})
		},
	}
	command.Flags().BoolVar(&all, "all", false, what.all)
	return command
}

func (d desk) guardCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "guard",
		Short: "Tells whether the guard against mass destruction is latched",
		Long: `Tells whether the guard is latched. While it is, every disable and delete is held;
all else goes on. See entrawebex holds.
` + homesHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.inHomes(cmd.Context(), func(h *homes) error {
				since, err := h.Guard().Latched(cmd.Context())
				tellGuard(cmd.OutOrStdout(), since, "The guard is latched since %s.\n", err)
				return err
			})
		},
	}
	command.AddCommand(&cobra.Command{
		Use:   "clear",
		Short: "Takes the latch off: disables and deletes go ahead again, and are counted anew",
		Long: `Takes the latch off: disables and deletes go ahead again, and are counted anew.
What is held stays held until it is approved (entrawebex holds approve), or until
its object changes.
` + homesHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.inHomes(cmd.Context(), func(h *homes) error {
				since, err := h.Guard().Clear(cmd.Context())
				tellGuard(cmd.OutOrStdout(), since, "The guard was latched since %s and is no more.\n", err)
				return err
			})
		},
	})
	return command
}

func tellGuard(out io.Writer, since time.Time, latched string, err error) {
	switch {
	case err != nil:
	case since.IsZero():
		fmt.Fprintln(out, "The guard is not latched.")
	default:
		fmt.Fprintf(out, latched, since.UTC().Format(time.RFC3339))
	}
}

// held returns the records that have a hold, oldest first.
func (h *homes) held(ctx context.Context) ([]provision.Record, error) {
	var held []provision.Record
	err := h.ledger.Records(ctx, func(r provision.Record) error {
		if r.Hold != nil {
			held = append(held, r)
		}
		return nil
	})
	slices.SortFunc(held, func(a, b provision.Record) int { return a.Hold.Since.Compare(b.Hold.Since) })
	return held, err
}

func (h *homes) list(ctx context.Context, out io.Writer) error {
	held, err := h.held(ctx)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		fmt.Fprintln(out, "Nothing is held.")
		return nil
	}
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	const widest = columns - 49 // which an id takes
	t.AppendHeader(table.Row{"Object", "Held"})
	for _, r := range held {
		since := operation(r.Hold) + " since " + r.Hold.Since.UTC().Format("2006-01-02T15:04Z")
		lines := []string{since}
		if state := state(r, h.Now()); state != "" {
			lines = append(lines, state)
		}
		t.AppendRow(table.Row{r.Object, fold(widest, lines...)})
	}
	t.Render()
	return nil
}

func operation(h *provision.Hold) string {
	if h.Operation == provision.Removing {
		return fmt.Sprintf("%s (%d of %d)", h.Operation, h.Members, h.Of)
	}
	return string(h.Operation)
}

func state(r provision.Record, now time.Time) string {
	var states []string
	if r.Hold.Security {
		states = append(states, "blocked")
	}
	switch {
	case r.Declined():
		states = append(states, "rejected")
	case !r.Undecided(now):
		states = append(states, "approved, on its way")
	case r.Approval != nil:
		states = append(states, "approved, no longer valid")
	}
	return strings.Join(states, ", ")
}

// decide decides on what is held of the objects with these ids; of all that
// the decision does not spare if there are none. One that fails does not stop the
// others.
func (h *homes) decide(ctx context.Context, out io.Writer, ids []string, what decision) error {
	held, err := h.held(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if !slices.ContainsFunc(held, func(r provision.Record) bool { return strings.EqualFold(r.Object.ID, id) }) {
			errs = append(errs, fmt.Errorf("nothing is held of %s: entrawebex holds shows what is", id))
		}
	}
	left := 0
	for _, r := range held {
		switch {
		case len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, r.Object.ID) }):
			continue
		case len(ids) == 0 && what.spares(r, h.Now()):
			if r.Declined() {
				left++
			}
			continue
		}
		if err := what.decide(ctx, h, r); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(out, "%s: %s of %s\n", what.done, operation(r.Hold), r.Object)
	}
	if left > 0 {
		say(out, fmt.Sprintf("left alone: %s rejected before; name an object to approve it all the same", operator.Counted(left, "hold")))
	}
	return errors.Join(errs...)
}
