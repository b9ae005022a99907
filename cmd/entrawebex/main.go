// Command entrawebex takes the users and groups of a Microsoft Entra tenant to a
// Cisco Webex organization, and lets an operator look at that.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
	"entrawebex/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	told := make(chan struct{})
	untold := context.AfterFunc(ctx, func() {
		stop() // the next one ends the process
		fmt.Fprintln(os.Stderr, "entrawebex: stopping; once more stops at once")
		close(told)
	})
	environ := os.Environ()
	root := command(environ, terminal.Of(environ, os.Stdout, os.Stderr))
	exit := carryOut(ctx, root, os.Args[1:], os.Stdout, os.Stderr)
	if !untold() {
		<-told
	}
	os.Exit(exit)
}

// carryOut executes the command that the arguments name, and returns the exit code.
// Commands ask nothing back: standard input is read where - names it as a file.
func carryOut(ctx context.Context, root *cobra.Command, args []string, out, errOut io.Writer) int {
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	return tell(errOut, root.ExecuteContext(operator.As(ctx, whoami())))
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

// errReported is returned where the output has already told what is wrong.
var errReported = errors.New("reported")

// The exit codes, as those of a shell's own commands: what was asked for is not so, or
// cannot be asked for.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command that is written wrongly.
type usageError struct{ error }

// misused is a usageError of what is wrong, if anything is.
func misused(wrong error) error {
	if wrong == nil {
		return nil
	}
	return usageError{wrong}
}

// tell says what is wrong, if anything is, and returns the exit code.
func tell(errOut io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(errOut, "entrawebex:", err)
	}
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	return exitFailed
}

// taught has a command and those below it say how they are written where they are not.
func taught(c *cobra.Command) {
	wrongly := func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nwrite it so:  %s\nit is told by %s --help", err, c.UseLine(), c.CommandPath())}
	}
	c.SetFlagErrorFunc(wrongly)
	const distance = 2 // as cobra's own
	c.SuggestionsMinimumDistance = distance
	if c.Run == nil && c.RunE == nil { // else whatever is written after it shows the help
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if args := c.Args; args != nil {
		c.Args = func(c *cobra.Command, given []string) error {
			err := args(c, given)
			if err == nil {
				return nil
			}
			if c.HasSubCommands() && len(given) > 0 {
				if near := c.SuggestionsFor(given[0]); len(near) > 0 {
					err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
				}
			}
			return wrongly(c, err)
		}
	}
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if err := c.ValidateFlagGroups(); err != nil { // which cobra asks for after this
			return wrongly(c, err)
		}
		return nil
	}
	for _, below := range c.Commands() {
		taught(below)
	}
}

// command is the whole command line.
func command(environ []string, at terminal.Terminal) *cobra.Command {
	root := rootCommand()
	from := &source.Source{Environ: environ, Log: operatorLog()}
	root.AddCommand(runCommand(environ, at))
	root.AddCommand(offer(from, checkCommand(from))...)
	root.AddCommand(console{source: from, terminal: at}.commands()...)
	taught(root)
	return root
}

func rootCommand() *cobra.Command {
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
  entrawebex plan --all
  entrawebex run

And look whether all is well, at any time:

  entrawebex status

And how somebody stands on both sides, what happened, and why:

  entrawebex show ada@example.com
  entrawebex log ada@example.com`,
		Version:       fmt.Sprintf("%s, %s %s/%s", version.Name(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		told := cmp.Or(c.Long, c.Short)
		fmt.Fprint(c.OutOrStdout(), terminal.Help(strings.TrimSpace(told)+"\n\n"+c.UsageString()))
	})
	return root
}
