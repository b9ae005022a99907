// Package console is the operator's application as pages in a browser, on a loopback
// address: what a page can do, the command line can do. Pages are rendered here and work
// without a script; scripts only move what is on them.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/operator"
)

// Options are what the pages are of.
type Options struct {
	// With does something with the operator's application, which may be another one each
	// time: that of a run begins and ends with it.
	With func(ctx context.Context, do func(operator.Operations) error) error
	// ReadOnly refuses all that is an order.
	ReadOnly bool
	// Origin is that of a reverse proxy which authenticates, and under which a browser
	// asks for the pages; empty for none. See ParseOrigin.
	Origin string
	Now    func() time.Time
	Log    *slog.Logger
}

// Console serves the pages on an address.
type Console struct {
	listener net.Listener
	pages    *pages
	log      *slog.Logger
}

// Listen listens on a loopback address, such as 127.0.0.1:0 for any port that is free.
// Other addresses are refused: whoever reaches a page can do what an operator can.
func Listen(ctx context.Context, address string, o Options) (*Console, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	var behind *url.URL
	if o.Origin != "" {
		var err error
		if behind, err = ParseOrigin(o.Origin); err != nil {
			return nil, err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	at, ok := listener.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() { // localhost may be given another meaning
		return nil, errors.Join(fmt.Errorf("%s is %s, which is no loopback address", address, listener.Addr()), listener.Close())
	}
	made, err := newPages(o, at, behind)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &Console{listener: listener, pages: made, log: o.Log}, nil
}

// CheckAddress returns why pages are not served on an address.
func CheckAddress(address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return fmt.Errorf("%q must be an address with a port, such as 127.0.0.1:8081", address)
	}
	if !config.IsLoopback(&url.URL{Scheme: "http", Host: address}) {
		return fmt.Errorf("%q must be a loopback address, such as 127.0.0.1:8081: whoever reaches the page can do what an operator can", address)
	}
	return nil
}

// URL is the address with which a browser is let in, once and within OpenFor.
func (c *Console) URL() string { return c.pages.door.invitation() }

// Serve serves until ctx ends.
func (c *Console) Serve(ctx context.Context) error {
	defer c.pages.planning.end()
	defer c.pages.preview.end()
	defer c.pages.movingIn.end()
	defer c.pages.replaying.end()
	const slowest = 10 * time.Second
	server := &http.Server{
		Handler: c.pages, ReadHeaderTimeout: slowest, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(c.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	const last = 5 * time.Second
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if server.Shutdown(ending) == nil {
		return nil
	}
	return server.Close() // what a browser holds open is no failure
}

// Close stops listening.
func (c *Console) Close() error {
	if err := c.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
