package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	page "entrawebex/internal/console"
	"entrawebex/internal/terminal"
)

func (c console) pageCommand() *cobra.Command {
	var address string
	options := page.Options{Now: time.Now, Log: operatorLog()}
	command := &cobra.Command{
		Use:   "console",
		Short: "Serves pages that show the system at work, and what needs you",
		Long: `Serves pages for a browser on this machine: what needs you, with what can be done
about it; the way of changes as they pass; a person or group on both sides; and the log.
What a page does, the commands do, and it is kept in the log under your name.

The address that is printed lets one browser in, once, within 15 minutes, for 12 hours.
It is a loopback address, which others reach only through a reverse proxy that
authenticates (--origin, or CONSOLE_ORIGIN of a run), and which no other page in the
same browser can use. A run serves the same pages by itself, unless CONSOLE_ADDR is off.
With --stack they are those of a stack on AWS, with your own credentials.
` + source.Help,
		Example: `  entrawebex console
  entrawebex console --read-only
  entrawebex console --addr 127.0.0.1:8081
  entrawebex console --addr 127.0.0.1:8081 --origin https://entrawebex.example.com
  entrawebex console --stack entrawebex`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := page.CheckAddress(address); err != nil {
				return usageError{fmt.Errorf("--addr: %w", err)}
			}
			if _, err := page.ParseOrigin(options.Origin); options.Origin != "" && err != nil {
				return usageError{fmt.Errorf("--origin: %w", err)}
			}
			return c.servePages(cmd.Context(), cmd.OutOrStdout(), address, options)
		},
	}
	command.Flags().StringVar(&address, "addr", "127.0.0.1:0", "serve at this loopback `ADDRESS`; port 0 is any that is free")
	command.Flags().StringVar(&options.Origin, "origin", "", "serve behind a reverse proxy that authenticates, whose `ORIGIN` browsers ask for")
	command.Flags().BoolVar(&options.ReadOnly, "read-only", false, "show everything, and take no order")
	return command
}

// servePages serves them until ctx ends.
func (c console) servePages(ctx context.Context, out io.Writer, address string, options page.Options) error {
	with, done, err := c.source.Hold(ctx)
	if err != nil {
		return err
	}
	options.With = with
	served, err := page.Listen(ctx, address, options)
	if err != nil {
		return errors.Join(err, done())
	}
	invite(out)(served.URL())
	return errors.Join(served.Serve(ctx), served.Close(), done())
}

// invite returns what tells a person the address that lets a browser in.
func invite(out io.Writer) func(url string) {
	return func(url string) {
		terminal.Say(out, "The console, for one browser, once, within "+page.OpenFor.String()+":")
		fmt.Fprintln(out, "  "+url)
	}
}

// inviteHere invites a person at this terminal. A log is read by others, too.
func inviteHere() func(url string) {
	if !terminal.Is(os.Stderr) {
		return nil
	}
	return invite(os.Stderr)
}
