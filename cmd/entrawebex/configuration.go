package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"

	udiff "github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"entrawebex/internal/configuration"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/terminal"
)

// applyOptions are how a configuration is applied.
type applyOptions struct {
	yes  bool
	note string
}

func (o *applyOptions) flags(command *cobra.Command) {
	command.Flags().BoolVar(&o.yes, "yes", false, "apply it; without this it is only shown what would change")
	command.Flags().StringVar(&o.note, "note", "", "why, for the history")
}

// configurationCommands look at what is in force, and bring another into force.
func (c console) configurationCommands() []*cobra.Command {
	return []*cobra.Command{c.applyCommand(), c.rollbackCommand(), c.showMappingCommand(), c.historyCommand(), c.diffCommand()}
}

func (c console) applyCommand() *cobra.Command {
	var options applyOptions
	command := &cobra.Command{
		Use:   "apply FILE",
		Short: "Shows what a mapping file would change, and with --yes brings it into force",
		Long: `Checks a mapping file, and shows what would change in Webex under it: the counts by
action and the first objects (entrawebex plan --all --mapping FILE shows all). With
--yes it is then stored in the ledger as a version, with the time and your name, and
is in force within a minute, without a deployment. Those whom it affects are evaluated
anew, at the pace of a comparison and behind the guard; nobody else is touched.

entrawebex mapping rollback takes it back.
` + storesHelp,
		Example: `  entrawebex mapping apply provisioning.yaml
  entrawebex mapping apply provisioning.yaml --yes --note "titles for the phone book"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return c.with(cmd.Context(), func(o operator.Operations) error {
				r := operator.ApplyRequest{Text: string(text), File: args[0], Note: options.note}
				return c.apply(cmd, o, r, options.yes, "entrawebex mapping apply "+args[0]+" --yes")
			})
		},
	}
	options.flags(command)
	return command
}

func (c console) rollbackCommand() *cobra.Command {
	var options applyOptions
	command := &cobra.Command{
		Use:   "rollback [VERSION]",
		Short: "Takes a former version up again, the one before if none is named",
		Long: `Takes a former version up again, as a new one: the version before the one in force
if none is named, 0 for the one that is built in. What came into Webex since by
attributes that the former version does not map is taken away, too. As with apply it
is only shown what would change, until --yes is said.
` + storesHelp,
		Example: `  entrawebex mapping rollback
  entrawebex mapping rollback 3 --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				former, err := formerVersion(cmd.Context(), o, args)
				if err != nil {
					return err
				}
				r := operator.ApplyRequest{
					Text: string(former.Text), File: fmt.Sprintf("version %d", former.Number), Note: options.note, Restores: &former.Number,
				}
				return c.apply(cmd, o, r, options.yes, fmt.Sprintf("entrawebex mapping rollback %d --yes", former.Number))
			})
		},
	}
	options.flags(command)
	return command
}

// formerVersion is the version that is named, or the one before the one in force.
func formerVersion(ctx context.Context, o operator.Operations, args []string) (configuration.Stored, error) {
	if len(args) == 1 {
		number, err := versionNumber(args[0])
		if err != nil {
			return configuration.Stored{}, err
		}
		return o.Configuration(ctx, operator.ConfigurationRequest{Number: &number})
	}
	present, err := o.Configuration(ctx, operator.ConfigurationRequest{})
	if err != nil {
		return configuration.Stored{}, err
	}
	if present.Number == 0 {
		return configuration.Stored{}, errors.New("what is built in is in force: there is nothing before it")
	}
	before := present.Number - 1
	return o.Configuration(ctx, operator.ConfigurationRequest{Number: &before})
}

func versionNumber(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return 0, usageError{fmt.Errorf("%q is no version: name one by its number (entrawebex mapping history)", text)}
	}
	return number, nil
}

// firstPlanned is how many objects are shown before a configuration is applied.
const firstPlanned = 10

// apply shows what a configuration would change, and applies it if that is wanted.
func (c console) apply(cmd *cobra.Command, o operator.Operations, r operator.ApplyRequest, yes bool, again string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if err := r.Validate(); err != nil {
		fmt.Fprintln(out, err)
		return errReported
	}
	present, err := o.Configuration(ctx, operator.ConfigurationRequest{})
	if err != nil {
		return err
	}
	if string(present.Text) == r.Text {
		terminal.Say(out, r.File+" is what is in force: nothing is to be applied.")
		return nil
	}
	made, err := c.makePlan(cmd, o, planOptions{
		Request: plan.Request{All: true, Configuration: r.Text, Restores: r.Restores != nil},
	})
	if err != nil {
		return err
	}
	c.showFirst(out, made)
	if !yes {
		terminal.Say(out, fmt.Sprintf("%s stays in force. To apply this: %s", named(present.Version), again))
		return nil
	}
	r.After, r.By = present.Number, whoami()
	v, err := o.Apply(ctx, r)
	if err != nil {
		return err
	}
	terminal.Say(out, fmt.Sprintf("%s is in force: within a minute everything goes by it, and whom it affects is evaluated anew. "+
		"entrawebex status tells how far that is, entrawebex mapping rollback takes it back.", named(v)))
	return nil
}

// showFirst prints the first objects of a plan, and its counts.
func (c console) showFirst(out io.Writer, made *plan.Plan) {
	few := *made
	few.Objects = few.Objects[:min(firstPlanned, len(few.Objects))]
	c.terminal.Plan(out, &few)
	s := made.Summary
	if more := s.Create + s.Change + s.Disable + s.Delete + s.Held + s.Fail + s.Wait - len(few.Objects); more > 0 {
		terminal.Say(out, fmt.Sprintf("And %d more: entrawebex plan --all --mapping FILE shows all.", more))
	}
}

// named is a version by its number.
func named(v configuration.Version) string {
	if v.Number == 0 {
		return "The configuration that is built in"
	}
	return fmt.Sprintf("Version %d", v.Number)
}

// whoami is who gives a command, for the history.
func whoami() string {
	name := "unknown"
	if who, err := user.Current(); err == nil {
		name = who.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func (c console) showMappingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [VERSION]",
		Short: "Prints the mapping file in force, or a version of it",
		Long:  "Prints the mapping file in force, or a version of it; 0 is the one that is built in.\n" + storesHelp,
		Example: `  entrawebex mapping show > provisioning.yaml
  entrawebex mapping show 3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				stored, err := storedVersion(cmd.Context(), o, args)
				if err == nil {
					_, err = cmd.OutOrStdout().Write(stored.Text)
				}
				return err
			})
		},
	}
}

// storedVersion is the version that is named first, or the one in force.
func storedVersion(ctx context.Context, o operator.Operations, args []string) (configuration.Stored, error) {
	var r operator.ConfigurationRequest
	if len(args) > 0 {
		number, err := versionNumber(args[0])
		if err != nil {
			return configuration.Stored{}, err
		}
		r.Number = &number
	}
	return o.Configuration(ctx, r)
}

func (c console) historyCommand() *cobra.Command {
	return answer[[]configuration.Version]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) ([]configuration.Version, error) {
			return o.Configurations(ctx)
		},
		draw: terminal.Versions, encode: printEach[configuration.Version], usage: lineEach,
	}.of(c, &cobra.Command{
		Use:   "history",
		Short: "Lists the versions of the mapping that were in force, and who applied them",
		Long:  "Lists the versions of the mapping that were in force, the latest first.\n" + storesHelp,
		Args:  cobra.NoArgs,
	})
}

func (c console) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [FILE | VERSION [VERSION]]",
		Short: "Shows what differs between the mapping in force and a file or a version",
		Long: `Shows what differs, line by line: from the mapping in force to a file; from a version
to the one in force, or to another version; without any, from the version before.
` + storesHelp,
		Example: `  entrawebex mapping diff provisioning.yaml
  entrawebex mapping diff 3
  entrawebex mapping diff 3 5`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(o operator.Operations) error {
				from, to, err := compared(cmd.Context(), o, args)
				if err != nil {
					return err
				}
				_, err = io.WriteString(cmd.OutOrStdout(), udiff.Unified(from.name, to.name, from.text, to.text))
				return err
			})
		},
	}
}

// side is one side of a difference.
type side struct{ name, text string }

// compared are the two sides that the arguments name.
func compared(ctx context.Context, o operator.Operations, args []string) (from, to side, err error) {
	of := func(stored configuration.Stored, err error) (side, error) {
		return side{fmt.Sprintf("version %d", stored.Number), string(stored.Text)}, err
	}
	if len(args) == 1 {
		if text, err := os.ReadFile(args[0]); err == nil {
			from, err := of(storedVersion(ctx, o, nil))
			return from, side{args[0], string(text)}, err
		}
	}
	if len(args) > 0 {
		from, err = of(storedVersion(ctx, o, args[:1]))
	} else {
		from, err = of(formerVersion(ctx, o, nil))
	}
	if err != nil {
		return from, to, err
	}
	to, err = of(storedVersion(ctx, o, args[min(1, len(args)):]))
	return from, to, err
}
