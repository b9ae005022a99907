package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
)

// answer is what most commands give: they ask the operator's application one thing, and
// print what it says, for a person or with --json for a program.
type answer[T any] struct {
	// check says what is written wrongly, before anything is opened; nil for nothing.
	check func(args []string) error
	// early says that it is answered before the first start, too.
	early bool
	ask   func(ctx context.Context, o operator.Operations, args []string) (T, error)
	// draw prints it for a person, encode for a program; nil for a line of JSON. The
	// fields are told in docs/json.md.
	draw   func(out io.Writer, told T)
	encode func(out io.Writer, told T) error
	// usage is what --json is told as; empty for oneLine.
	usage string
	// judge returns errReported or another error if the exit code is to be 1 though it
	// was answered; nil for never.
	judge func(told T) error
}

// of has the command give the answer. What was opened is closed before it is printed: who
// reads slowly hinders nobody.
func (a answer[T]) of(c console, command *cobra.Command) *cobra.Command {
	asJSON := jsonFlag(command, cmp.Or(a.usage, oneLine))
	open := c.source.With
	if a.early {
		open = c.source.OrEmpty
	}
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if a.check != nil {
			if err := a.check(args); err != nil {
				return err
			}
		}
		var told T
		answered := false
		err := open(cmd.Context(), func(o operator.Operations) (err error) {
			told, err = a.ask(cmd.Context(), o, args)
			answered = err == nil
			return err
		})
		if answered {
			err = errors.Join(err, a.print(cmd.OutOrStdout(), told, *asJSON))
		}
		return err
	}
	return command
}

func (a answer[T]) print(out io.Writer, told T, asJSON bool) (err error) {
	switch {
	case !asJSON:
		a.draw(out, told)
	case a.encode != nil:
		err = a.encode(out, told)
	default:
		err = printJSON(out, told)
	}
	if err == nil && a.judge != nil {
		err = a.judge(told)
	}
	return err
}

// plainly asks what takes nothing but the question.
func plainly[T any](ask func(operator.Operations, context.Context) (T, error)) func(context.Context, operator.Operations, []string) (T, error) {
	return func(ctx context.Context, o operator.Operations, _ []string) (T, error) { return ask(o, ctx) }
}

// How --json is told by commands that find one thing, and by those that find many.
const (
	oneLine  = "print one line of JSON"
	lineEach = "print a line of JSON for each"
)

// jsonFlag offers --json: the fields of what is printed are told in docs/json.md.
func jsonFlag(c *cobra.Command, what string) *bool { return c.Flags().Bool("json", false, what) }

// printEach prints each as a line of JSON.
func printEach[T any](out io.Writer, all []T) error { return printJSON(out, all...) }

// printJSON prints each as a line of JSON.
func printJSON[T any](out io.Writer, each ...T) error {
	encoder := json.NewEncoder(out)
	for _, one := range each {
		if err := encoder.Encode(one); err != nil {
			return fmt.Errorf("print it as JSON: %w", err)
		}
	}
	return nil
}
