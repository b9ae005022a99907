// Function renew runs every minute, and at once when Graph says something of a
// subscription, and looks after what runs out by itself: that there is a
// subscription to users and one to groups, that there is a token for Webex, that
// the worker rests while a side is paused, and that a side that was paused goes on
// once it works again.
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
	"entrawebex/internal/reconcile"
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
	graph, err := entra.OpenRotating(settings.Entra, nil, latest.Entra, log)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(settings.Webex, latest.Webex, log)
	if err != nil {
		return err
	}
	kept := ledger.NewDynamoDB(dynamodb.NewFromConfig(aws), settings.AWS.LedgerTable)
	job := &renew.Job{
		Graph:       graph,
		Documents:   kept,
		Resources:   renew.Resources(settings.GroupsMatter()),
		WebhookURL:  settings.Webhook.URL,
		ClientState: settings.Webhook.ClientState,
		Now:         time.Now,
		Log:         log,
	}
	sides := pause.New(kept, graph, target, log)
	after := recovery(aws, settings.AWS, sides, &reconcile.Requests{Documents: kept, Now: time.Now, Log: log}, log)
	letters := drops(aws, settings.AWS, kept, log)
	token := tokenJob(aws, latest, settings.Webex, log)
	token.Documents = kept
	token.Refused = func(ctx context.Context) (time.Time, error) { return sides.Refused(ctx, pause.Webex) }
	lambda.StartWithOptions(func(ctx context.Context, event renew.Event) error {
		// The token first, since a refresh must not run out of time; the replay
		// takes all that the others leave.
		return errors.Join(token.Run(ctx), after.Settle(ctx), job.Run(ctx, event.Lifecycle...), after.CatchUp(ctx), letters.Settle(ctx))
	}, lambda.WithContext(ctx))
	return nil
}
