package standalone

import (
	"context"
	"fmt"
	"time"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
)

// listenConsole listens for an operator's browser, unless that is switched off.
func (p *Process) listenConsole(ctx context.Context) error {
	if !p.Settings.HasConsole() {
		return nil
	}
	var err error
	p.console, err = console.Listen(ctx, p.Settings.ConsoleAddr, console.Options{
		With:   func(_ context.Context, do func(operator.Operations) error) error { return do(p.Operations()) },
		Origin: p.Settings.ConsoleOrigin, Now: time.Now, Log: p.log,
	})
	if err != nil {
		return fmt.Errorf("serve the console, by CONSOLE_ADDR and CONSOLE_ORIGIN: %w", err)
	}
	return nil
}

// Offer has the console offer what can be played, if there is one. It is called before
// Run.
func (p *Process) Offer(player console.Player) {
	if p.console != nil {
		p.console.Offer(player)
	}
}

// ConsoleURL is the address that lets a browser in, once; empty if there is no console.
func (p *Process) ConsoleURL() string {
	if p.console == nil {
		return ""
	}
	return p.console.URL()
}
