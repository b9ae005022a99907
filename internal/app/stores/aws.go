package stores

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/config"
	"entrawebex/internal/history"
	"entrawebex/internal/ledger"
	"entrawebex/internal/queue"
)

// OpenAWS returns what a function on AWS keeps, as the environment has it, and its
// settings.
func OpenAWS(ctx context.Context, function config.Part, environ []string, log *slog.Logger) (*Stores, config.Settings, error) {
	settings, _, err := config.Begin(ctx, function, environ, log)
	if err != nil {
		return nil, config.Settings{}, err
	}
	c, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, config.Settings{}, err
	}
	return OnAWS(c, &settings, log), settings, nil
}

// OnAWS returns those that the settings name. One that they do not name must not be
// used.
func OnAWS(c aws.Config, settings *config.Settings, log *slog.Logger) *Stores {
	s := settings.AWS
	client, tables := sqs.NewFromConfig(c), dynamodb.NewFromConfig(c)
	dead, changes := queue.NewSQS(client, s.DeadLetterQueueURL), queue.NewSQS(client, s.ChangeQueueURL)
	kept := &Stores{
		Ledger:  ledger.NewDynamoDB(tables, s.LedgerTable),
		History: history.NewDynamoDB(tables, s.HistoryTable, settings.HistoryKept(), time.Now),
		Changes: changes, DeadLetters: dead,
		Redrive: func(ctx context.Context, rate int) (string, error) { return dead.Redrive(ctx, changes, rate) },
		Look:    time.Second,
	}
	if s.EventSourceMapping != "" {
		kept.Feed = queue.NewMapping(lambda.NewFromConfig(c), s.EventSourceMapping, log).Enable
	}
	return kept
}
