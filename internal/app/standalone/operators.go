package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/throttle"
)

// listenOperator takes operators' commands on a socket that only this user can
// write to. One that is there already was left by a run that crashed: the lock
// on the file, which this process has, proves that no other run is alive. A
// process that cannot have a socket (a path of more than about 100 bytes, a
// file system without any) runs without one, and says so.
func (p *Process) listenOperator(ctx context.Context) {
	path := operations.Socket(p.Settings.DataDir)
	listener, err := listenSocket(ctx, path)
	if err != nil {
		p.log.WarnContext(ctx, "operator commands have to wait until this process ends", "socket", path, "error", err)
		return
	}
	p.operator = listener
}

func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket of a run that crashed: %w", err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// ServeOperators carries out operators' commands until ctx ends, and they with
// it.
func (p *Process) ServeOperators(ctx context.Context) error {
	if p.operator == nil {
		return nil
	}
	const slowest = 10 * time.Second
	server := &http.Server{
		Handler: operator.NewHandler(p.Operations(), p.log), ReadHeaderTimeout: slowest,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p.operator) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve operator commands: %w", err)
	case <-ctx.Done():
	}
	const last = 5 * time.Second
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// Operations are what an operator can do in the stores of this process.
func (p *Process) Operations() *operator.Operator {
	o := operations.New(p.Stores, &p.Settings, p.present, p.log)
	served := true
	o.Served, o.Subscribed = &served, []string{}
	o.Requests = func() map[pause.Side]throttle.Traffic {
		return map[pause.Side]throttle.Traffic{pause.Graph: p.Graph.Traffic(), pause.Webex: p.Webex.Traffic()}
	}
	if p.Subscriptions != nil {
		o.Subscribed = p.Subscriptions.Resources
	}
	return o
}

// present are the settings of this process with the credentials as they are now.
func (p *Process) present(ctx context.Context) (config.Settings, error) {
	s := p.Settings
	s.Entra, s.Webex = p.Latest.Entra(ctx), p.Latest.Webex(ctx)
	return s, nil
}
