// Function worker takes Changes from the change queue and makes Webex match
// Entra for the objects they name.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/infra"
	"entrawebex/internal/assembly"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/webex"
	"entrawebex/internal/worker"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("worker cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	load := func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.WorkerFunction, os.Environ(), config.Secret)
	}
	settings, err := load(ctx)
	if err != nil {
		return err
	}
	for _, warning := range settings.Warnings {
		log.Warn("settings", "warning", warning)
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	kept := ledger.NewDynamoDB(dynamodb.NewFromConfig(aws), settings.AWS.LedgerTable)
	if err := ledger.Bind(ctx, kept, settings.Entra.TenantID, settings.Webex.OrgID); err != nil {
		return err
	}
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		return err
	}
	latest := config.NewLatest(settings, load, time.Now, log)
	directory, err := entra.OpenRotating(settings.Entra, rules.Select(), latest.Entra, log)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(settings.Webex, latest.Webex, log)
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(aws)
	changes := queue.NewSQS(client, settings.AWS.ChangeQueueURL)
	parts := &assembly.Parts{
		Settings: settings, Rules: rules, Graph: directory, Webex: target, Ledger: kept, Queue: queue.Changes{Queue: changes}, Log: log,
	}
	work := &worker.Worker{
		Queue:       changes,
		DeadLetters: queue.NewSQS(client, settings.AWS.DeadLetterQueueURL),
		Converge:    parts.Engine().Converge,
		Letters:     parts.Letters(),
		Pause:       pause.New(kept, directory, target, log),
		Log:         log,
	}
	lambda.StartWithOptions(work.HandleEvent, lambda.WithContext(ctx))
	return nil
}
