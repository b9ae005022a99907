package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
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
` + source.Help,
		Example: `  entrawebex mapping apply provisioning.yaml
  entrawebex mapping apply provisioning.yaml --yes --note "titles for the phone book"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
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
` + source.Help,
		Example: `  entrawebex mapping rollback
  entrawebex mapping rollback 3 --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				number, err := versionNumber(args)
				if err != nil {
					return err
				}
				r, err := operator.Restoring(cmd.Context(), o, number)
				if err != nil {
					return err
				}
				r.Note = options.note
				return c.apply(cmd, o, r, options.yes, fmt.Sprintf("entrawebex mapping rollback %d --yes", *r.Restores))
			})
		},
	}
	options.flags(command)
	return command
}

func versionNumbers(args []string) ([]int, error) {
	numbers := make([]int, len(args))
	for i, text := range args {
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 {
			return nil, usageError{fmt.Errorf("%q is no version: name one by its number (entrawebex mapping history)", text)}
		}
		numbers[i] = number
	}
	return numbers, nil
}

// versionNumber is that of the version that is named; nil if none is.
func versionNumber(args []string) (*int, error) {
	numbers, err := versionNumbers(args)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	return &numbers[0], nil
}

// apply shows what a configuration would change, and applies it if that is wanted.
func (c console) apply(cmd *cobra.Command, o operator.Operations, r operator.ApplyRequest, yes bool, again string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if err := r.Validate(); err != nil {
		fmt.Fprintln(out, err)
		return errReported
	}
	seen, err := c.preview(ctx, o, cmd.ErrOrStderr(), &r)
	if err != nil {
		return err
	}
	if seen.Plan == nil {
		terminal.Say(out, r.File+" is what is in force: nothing is to be applied.")
		return nil
	}
	c.terminal.Previewed(out, seen.Plan)
	if !yes {
		terminal.Unapplied(out, seen.Present.Version, again)
		return nil
	}
	r.By = operator.Actor(ctx)
	v, err := o.Apply(ctx, r)
	if err == nil {
		terminal.Applied(out, v)
	}
	return err
}

func (c console) preview(ctx context.Context, o operator.Operations, errOut io.Writer, r *operator.ApplyRequest) (operator.Preview, error) {
	var watcher plan.Watcher
	defer c.watch(errOut, &watcher)()
	return operator.Previewed(ctx, o, r, watcher)
}

func (c console) showMappingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [VERSION]",
		Short: "Prints the mapping file in force, or a version of it",
		Long:  "Prints the mapping file in force, or a version of it; 0 is the one that is built in.\n" + source.Help,
		Example: `  entrawebex mapping show > provisioning.yaml
  entrawebex mapping show 3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				stored, err := storedVersion(cmd.Context(), o, args)
				if err == nil {
					_, err = cmd.OutOrStdout().Write(stored.Text)
				}
				return err
			})
		},
	}
}

// storedVersion is the version that is named, or the one in force.
func storedVersion(ctx context.Context, o operator.Operations, args []string) (configuration.Stored, error) {
	number, err := versionNumber(args)
	if err != nil {
		return configuration.Stored{}, err
	}
	return o.Configuration(ctx, operator.ConfigurationRequest{Number: number})
}

func (c console) historyCommand() *cobra.Command {
	return answer[[]configuration.Version]{
		ask:  plainly(operator.Operations.Configurations),
		draw: terminal.Versions, encode: printEach[configuration.Version], usage: lineEach,
	}.of(c, &cobra.Command{
		Use:   "history",
		Short: "Lists the versions of the mapping that were in force, and who applied them",
		Long:  "Lists the versions of the mapping that were in force, the latest first.\n" + source.Help,
		Args:  cobra.NoArgs,
	})
}

func (c console) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [FILE | VERSION [VERSION]]",
		Short: "Shows what differs between the mapping in force and a file or a version",
		Long: `Shows what differs, line by line: from the mapping in force to a file; from a version
to the one in force, or to another version; without any, from the version before.
` + source.Help,
		Example: `  entrawebex mapping diff provisioning.yaml
  entrawebex mapping diff 3
  entrawebex mapping diff 3 5`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				differs, err := diff(cmd.Context(), o, args)
				if err == nil {
					_, err = io.WriteString(cmd.OutOrStdout(), differs)
				}
				return err
			})
		},
	}
}

// diff is what differs between what the arguments name: a file, or versions.
func diff(ctx context.Context, o operator.Operations, args []string) (string, error) {
	if len(args) == 1 {
		if text, err := os.ReadFile(args[0]); err == nil {
			return operator.DiffFile(ctx, o, args[0], string(text))
		}
	}
	versions, err := versionNumbers(args)
	if err != nil {
		return "", err
	}
	return operator.Diff(ctx, o, versions...)
}
