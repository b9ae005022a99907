// Function renew runs every minute and looks after what runs out by itself:
// that there is a subscription to users and one to groups, and that a side that
// was paused goes on once it works again.
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
	settings, err := config.Load(ctx, config.RenewFunction, os.Environ(), config.Secret)
	if err != nil {
		return err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	graph, err := entra.Open(settings.Entra, nil)
	if err != nil {
		return err
	}
	target, err := webex.Open(settings.Webex)
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
	sides := pause.New(kept, graph, target, log)
	lambda.StartWithOptions(func(ctx context.Context) error {
		return errors.Join(job.Run(ctx), sides.Probe(ctx))
	}, lambda.WithContext(ctx))
	return nil
}
