package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/config"
)

// listenOperator takes operators' commands on a socket that only this user can
// write to. One that is there already was left by a run that crashed: the lock
// on the file, which this process has, proves that no other run is alive. A
// process that cannot have a socket (a path of more than about 100 bytes, a
// file system without any) runs without one, and says so.
func (p *process) listenOperator(ctx context.Context) {
	path := socketPath(p.Settings.DataDir)
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

// serveOperator carries out operators' commands until ctx ends, and they with
// it.
func (p *process) serveOperator(ctx context.Context) error {
	if p.operator == nil {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+commandsPath, &counter{root: p.operatorRoot, log: p.log})
	const slowest = 10 * time.Second
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: slowest,
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

// operatorRoot is the command line that an operator has in this process.
func (p *process) operatorRoot(at terminal) *cobra.Command {
	root := rootCommand()
	root.AddCommand(operatorCommands(desk{open: p.homes, settings: p.present, terminal: at})...)
	return root
}

// homes are those of this process. They stay open when an operator is done.
func (p *process) homes(context.Context) (*homes, error) {
	h := newHomes(p.Stores, p.log)
	h.Subscribed = []string{}
	if p.Subscriptions != nil {
		h.Subscribed = p.Subscriptions.Resources
	}
	return h, nil
}

// present are the settings of this process with the credentials as they are now.
func (p *process) present(ctx context.Context) (config.Settings, error) {
	s := p.Settings
	s.Entra, s.Webex = p.Latest.Entra(ctx), p.Latest.Webex(ctx)
	return s, nil
}

// counter takes requests for commands.
type counter struct {
	// root makes a command line for one request.
	root func(at terminal) *cobra.Command
	log  *slog.Logger
}

// ServeHTTP carries out one command, which ends with the client's connection.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked request
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&asked)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		http.Error(w, errTooLong.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the request is not a command: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, root := r.Context(), c.root(asked.Terminal)
	found, err := operatorCommand(root, asked.Args)
	if err != nil {
		c.log.WarnContext(ctx, "operator command refused", "reason", err.Error())
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	sent := &frames{answer: w}
	out := frameWriter{frames: sent, make: func(p []byte) frame { return frame{Out: p} }}
	errOut := frameWriter{frames: sent, make: func(p []byte) frame { return frame{Err: p} }}
	exit := tell(errOut, execute(ctx, root, asked.Args, out, errOut))
	gone := sent.send(frame{Exit: &exit}) != nil
	// Not its arguments: a reason may name somebody.
	c.log.InfoContext(ctx, "operator command", "command", found.CommandPath(), "exit", exit, "clientGone", gone)
}

// operatorCommand returns the one that the arguments name. The root, which
// cobra gives commands of its own when it is executed, is none.
func operatorCommand(root *cobra.Command, args []string) (*cobra.Command, error) {
	if found, _, err := root.Find(args); err == nil && found.HasParent() {
		return found, nil
	}
	name := "nothing"
	if len(args) > 0 {
		name = fmt.Sprintf("%.40q", args[0])
	}
	return nil, fmt.Errorf("%s is not an operator's command: a run takes status, plan, dead-letters, replay, holds, guard, pause and resume", name)
}
