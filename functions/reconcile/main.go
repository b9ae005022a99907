// Function reconcile runs every minute and queues what no change notification
// told: what delta queries name, and who was assigned or unassigned.
package main

import (
	"context"
	"errors"
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
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("reconcile cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	load := func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.ReconcileFunction, os.Environ(), config.Secret)
	}
	settings, err := load(ctx)
	if err != nil {
		return err
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
	graph, err := entra.OpenRotating(settings.Entra, rules.Select(), latest.Entra, log)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(settings.Webex, latest.Webex, log)
	if err != nil {
		return err
	}
	parts := &assembly.Parts{
		Settings: settings,
		Rules:    rules,
		Graph:    graph,
		Webex:    target,
		Ledger:   kept,
		Queue:    queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)},
		Rests:    pause.New(kept, graph, target, log).Why,
		Log:      log,
	}
	engine := parts.Engine()
	job, sweeps := parts.Reconcile(engine), parts.Sweeps(engine)
	lambda.StartWithOptions(func(ctx context.Context) error {
		return errors.Join(job.Run(ctx), sweeps.Run(ctx))
	}, lambda.WithContext(ctx))
	return nil
}
