package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
	bbolterrors "go.etcd.io/bbolt/errors"

	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
)

// filterHelp and homesHelp are told by both commands about dead letters.
const (
	filterHelp = `
A filter is key=value; with several, all must hold:
  kind=permanent,transient   the kinds of fault
  object=ID,ID               the users or groups, by their Entra object ids
  older=24h                  first seen longer ago than that
  newer=1h                   first seen not as long ago
`
	homesHelp = `
Environment:
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE
                          the queues and the table on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data); run must
                          not be running
`
)

func replayCommand() *cobra.Command {
	request := replay.Request{}
	command := &cobra.Command{
		Use:   "replay",
		Short: "Puts dead letters back on the queue, all or those that a filter chooses",
		Long: `Puts dead letters back on the change queue, where the worker takes them up as
if they were new: it reads each user or group as it is in Entra now. So mend the
cause first (entrawebex dead-letters tells it); what fails again is a dead letter
again. A message leaves the dead-letter queue only after it stands in the change
queue, and to replay it twice, or for nothing, does no harm.

On AWS, without a filter, SQS moves the messages by itself, and the answer is the
handle of its task.
` + filterHelp + homesHelp,
		Example: `  entrawebex replay --dry-run
  entrawebex replay
  entrawebex replay --filter object=5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607
  entrawebex replay --filter kind=permanent --filter newer=2h --rate 50
  entrawebex replay --limit 1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return putBack(cmd.Context(), cmd.OutOrStdout(), os.Environ(), request)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&request.Filter, "filter", nil, "key=value; may be given several times")
	flags.IntVar(&request.Rate, "rate", 10, "how many a second; 0 for as many as possible")
	flags.IntVar(&request.Limit, "limit", 0, "how many in all; 0 for all")
	flags.BoolVar(&request.DryRun, "dry-run", false, "count what would be put back, and move nothing")
	return command
}

// putBack replays in the homes of the environment and prints what came of it.
func putBack(ctx context.Context, out io.Writer, environ []string, request replay.Request) error {
	h, err := openHomes(ctx, environ)
	if err != nil {
		return err
	}
	result, err := h.job.Run(ctx, request)
	switch {
	case result.Task != "":
		fmt.Fprintf(out, "SQS is moving all dead letters. Its task is %s\n", result.Task)
	case request.DryRun:
		fmt.Fprintf(out, "would put back %d, keep %d; not looked at: about %d\n", result.Moved, result.Kept, result.Left)
	default:
		fmt.Fprintf(out, "put back %d, kept %d; not looked at: about %d\n", result.Moved, result.Kept, result.Left)
	}
	return errors.Join(err, h.close())
}

// homes are the queues and the ledger that an operator looks at.
type homes struct {
	job     *replay.Job
	records func(ctx context.Context, each func(provision.Record) error) error
	close   func() error
}

// openHomes opens those that the environment names: on AWS, else in DATA_DIR.
func openHomes(ctx context.Context, environ []string) (*homes, error) {
	settings, err := config.Load(ctx, config.Operator, environ, config.Secret)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if settings.AWS == (config.AWS{}) {
		return openEmbedded(settings, log)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(aws)
	dead, changes := queue.NewSQS(client, settings.AWS.DeadLetterQueueURL), queue.NewSQS(client, settings.AWS.ChangeQueueURL)
	redrive := func(ctx context.Context, rate int) (string, error) { return dead.Redrive(ctx, changes, rate) }
	return &homes{
		job:     &replay.Job{Dead: dead, Main: changes, Redrive: redrive, Log: log},
		records: ledger.NewDynamoDB(dynamodb.NewFromConfig(aws), settings.AWS.LedgerTable).Records,
		close:   func() error { return nil },
	}, nil
}

// openEmbedded opens the file of a process that does not run.
func openEmbedded(settings config.Settings, log *slog.Logger) (*homes, error) {
	if _, err := os.Stat(filepath.Join(settings.DataDir, "entrawebex.db")); err != nil {
		return nil, fmt.Errorf("%w: set DATA_DIR to the folder that entrawebex run uses, or CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL and LEDGER_TABLE", err)
	}
	p := &process{settings: settings, log: log}
	err := p.openData()
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("entrawebex run holds the file in %s: stop it first, and start it again afterwards", settings.DataDir)
	}
	if err != nil {
		return nil, err
	}
	kept, err := ledger.OpenBolt(p.db)
	if err == nil {
		err = p.openQueues()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return &homes{
		job:     &replay.Job{Dead: p.deadLetters, Main: p.changes, Log: log},
		records: kept.Records,
		close:   p.Close,
	}, nil
}
