package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	bbolterrors "go.etcd.io/bbolt/errors"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/replay"
)

// homesHelp is told by every command that looks into the homes.
const homesHelp = `
Environment:
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE
                          the queues and the table on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data). While it
                          runs, it carries the command out itself
`

// homes are the queues and the ledger that an operator looks into.
type homes struct {
	*operator.Operator

	ledger           stores.Ledger
	changes, letters queue.Queue
	job              *replay.Job
	close            func() error
}

// openHomes opens those that the environment names: on AWS, else in DATA_DIR.
func openHomes(ctx context.Context, environ []string) (*homes, error) {
	settings, err := config.Load(ctx, config.Operator, environ, config.Secret)
	if err != nil {
		return nil, err
	}
	log := operatorLog()
	if settings.AWS == (config.AWS{}) {
		return openEmbedded(ctx, settings, log)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	h := newHomes(stores.OnAWS(aws, settings.AWS, log), log)
	h.Subscribed = renew.Resources(true) // the stack has a webhook
	return h, nil
}

// operatorLog tells an operator what is not as it should be.
func operatorLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// openEmbedded opens the file in DATA_DIR. The error is a *runningError if a run
// has it and takes commands.
func openEmbedded(ctx context.Context, settings config.Settings, log *slog.Logger) (*homes, error) {
	if _, err := os.Stat(stores.Path(settings.DataDir)); err != nil {
		return nil, fmt.Errorf("%w: set DATA_DIR to the folder that entrawebex run uses, or CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL and LEDGER_TABLE", err)
	}
	file, err := openShared(ctx, settings.DataDir)
	if err != nil {
		return nil, err
	}
	h := newHomes(file.Stores, log)
	h.close = file.Close
	return h, nil
}

// openShared opens the file if nobody has it, or whoever has it takes no
// commands and is soon done: another operator, or a run that begins or ends.
func openShared(ctx context.Context, dataDir string) (*stores.File, error) {
	const moment = time.Millisecond
	for _, patience := range []time.Duration{moment, time.Second} {
		file, err := stores.OpenFile(dataDir, patience)
		if !errors.Is(err, bbolterrors.ErrTimeout) {
			return file, err
		}
		if socket := socketPath(dataDir); answers(ctx, socket) {
			return nil, &runningError{socket: socket}
		}
	}
	return nil, fmt.Errorf("another process has the file in %s and takes no commands: if it is entrawebex run, its log says why; else try again when it is done", dataDir)
}

func newHomes(kept *stores.Stores, log *slog.Logger) *homes {
	return &homes{
		Operator: &operator.Operator{Ledger: kept.Ledger, Changes: kept.Changes, DeadLetters: kept.DeadLetters, Now: time.Now, Log: log},
		ledger:   kept.Ledger, changes: kept.Changes, letters: kept.DeadLetters,
		job:   kept.Replay(log),
		close: func() error { return nil },
	}
}
