package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	bbolterrors "go.etcd.io/bbolt/errors"

	"entrawebex/internal/config"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
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

	ledger           operatorLedger
	changes, letters queue.Queue
	job              *replay.Job
	close            func() error
}

// operatorLedger is either home of the ledger.
type operatorLedger interface {
	provision.Ledger
	document.Store
	Records(ctx context.Context, each func(provision.Record) error) error
	Provisioned(ctx context.Context) (int, error)
}

// openHomes opens those that the environment names: on AWS, else in DATA_DIR.
func openHomes(ctx context.Context, environ []string) (*homes, error) {
	settings, err := config.Load(ctx, config.Operator, environ, config.Secret)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if settings.AWS == (config.AWS{}) {
		return openEmbedded(ctx, settings, log)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(aws)
	dead, changes := queue.NewSQS(client, settings.AWS.DeadLetterQueueURL), queue.NewSQS(client, settings.AWS.ChangeQueueURL)
	h := newHomes(ledger.NewDynamoDB(dynamodb.NewFromConfig(aws), settings.AWS.LedgerTable), changes, dead, log)
	h.Subscribed = renew.Resources(true) // the stack has a webhook
	h.job.Redrive = func(ctx context.Context, rate int) (string, error) { return dead.Redrive(ctx, changes, rate) }
	return h, nil
}

// openEmbedded opens the file in DATA_DIR. The error is a *runningError if a run
// has it and takes commands.
func openEmbedded(ctx context.Context, settings config.Settings, log *slog.Logger) (*homes, error) {
	if _, err := os.Stat(filepath.Join(settings.DataDir, "entrawebex.db")); err != nil {
		return nil, fmt.Errorf("%w: set DATA_DIR to the folder that entrawebex run uses, or CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL and LEDGER_TABLE", err)
	}
	p := &process{settings: settings, log: log}
	if err := p.openShared(ctx); err != nil {
		return nil, err
	}
	kept, err := ledger.OpenBolt(p.db)
	if err == nil {
		err = p.openQueues()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	h := newHomes(kept, p.changes, p.deadLetters, log)
	h.close = p.Close
	return h, nil
}

// openShared opens the file if nobody has it, or whoever has it takes no
// commands and is soon done: another operator, or a run that begins or ends.
func (p *process) openShared(ctx context.Context) error {
	const moment = time.Millisecond
	for _, patience := range []time.Duration{moment, time.Second} {
		if err := p.openDataWithin(patience); !errors.Is(err, bbolterrors.ErrTimeout) {
			return err
		}
		if socket := socketPath(p.settings.DataDir); answers(ctx, socket) {
			return &runningError{socket: socket}
		}
	}
	return fmt.Errorf("another process has the file in %s and takes no commands: if it is entrawebex run, its log says why; else try again when it is done", p.settings.DataDir)
}

func newHomes(kept operatorLedger, changes, letters queue.Queue, log *slog.Logger) *homes {
	return &homes{
		Operator: &operator.Operator{Ledger: kept, Changes: changes, DeadLetters: letters, Now: time.Now, Log: log},
		ledger:   kept, changes: changes, letters: letters,
		job:   &replay.Job{Dead: letters, Main: changes, Log: log},
		close: func() error { return nil },
	}
}
