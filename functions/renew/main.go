// Function renew runs every minute and looks after what runs out by itself:
// that there is a subscription to users and one to groups, that the worker rests
// while a side is paused, and that a side that was paused goes on once it works
// again.
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

	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/pause"
	"entrawebex/internal/renew"
	"entrawebex/internal/webex"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("renew cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	load := func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.RenewFunction, os.Environ(), config.Secret)
	}
	settings, err := load(ctx)
	if err != nil {
		return err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	latest := config.NewLatest(settings, load, time.Now, log)
	graph, err := entra.OpenRotating(settings.Entra, nil, latest.Entra)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(settings.Webex, latest.Webex)
	if err != nil {
		return err
	}
	kept := ledger.NewDynamoDB(dynamodb.NewFromConfig(aws), settings.AWS.LedgerTable)
	job := &renew.Job{
		Graph:       graph,
		Documents:   kept,
		Resources:   renew.Resources(),
		WebhookURL:  settings.Webhook.URL,
		ClientState: settings.Webhook.ClientState,
		Now:         time.Now,
		Log:         log,
	}
	after := recovery(aws, settings.AWS, pause.New(kept, graph, target, log), log)
	lambda.StartWithOptions(func(ctx context.Context) error {
		// The replay takes all the time that the others leave.
		return errors.Join(after.Settle(ctx), job.Run(ctx), after.CatchUp(ctx))
	}, lambda.WithContext(ctx))
	return nil
}
