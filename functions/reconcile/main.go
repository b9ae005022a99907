// Function reconcile runs every minute and queues what no change notification
// told: what delta queries name, and who was assigned or unassigned.
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
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/ledger"
	"entrawebex/internal/mapping"
	"entrawebex/internal/queue"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("reconcile cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	settings, err := config.Load(ctx, config.ReconcileFunction, os.Environ(), config.Secret)
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
	graph, err := entra.Open(settings.Entra, rules.Select())
	if err != nil {
		return err
	}
	job := &reconcile.Job{
		Graph:      graph,
		Members:    graph,
		Queue:      queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)},
		Documents:  kept,
		Cursors:    reconcile.NewCursors(kept, rules.Select(), settings.Rules()+"\n"+string(infra.Provisioning()), time.Now),
		Sweeps:     &reconcile.Requests{Documents: kept, Now: time.Now, Log: log},
		Nested:     settings.NestedGroups,
		SkipGroups: !settings.ProvisionGroups && settings.Everybody(),
		Now:        time.Now,
		Log:        log,
	}
	if !settings.Everybody() {
		app := &scoping.Application{AppID: settings.Entra.AppID, Find: graph.ServicePrincipal}
		job.App = app.ID
	}
	lambda.StartWithOptions(job.Run, lambda.WithContext(ctx))
	return nil
}
