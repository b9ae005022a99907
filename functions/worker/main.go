// Function worker takes Changes from the change queue and makes Webex match
// Entra for the objects they name.
package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
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
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/scoping"
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
	directory, err := entra.OpenRotating(settings.Entra, rules.Select(), latest.Entra)
	if err != nil {
		return err
	}
	target, err := webex.OpenRotating(settings.Webex, latest.Webex)
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(aws)
	changes := queue.NewSQS(client, settings.AWS.ChangeQueueURL)
	engine := provision.New(provision.Config{
		Directory:      directory,
		Target:         target,
		Ledger:         kept,
		Queue:          queue.Changes{Queue: changes},
		Mapping:        rules,
		TenantID:       settings.Entra.TenantID,
		Scope:          scope(&settings, directory),
		SkipOutOfScope: settings.SkipOutOfScopeDeletions,
		SkipGroups:     !settings.ProvisionGroups,
		Nested:         settings.NestedGroups,
		DeleteBinned:   settings.GroupSoftDelete == "delete",
		Protected:      settings.Protected,
		UpsertOnly:     settings.UpsertOnly,
		Guard: &provision.Guard{
			Documents: kept, Provisioned: kept.Provisioned,
			Floor: settings.Guard.Floor, Share: settings.Guard.Share, GroupShare: settings.Guard.GroupShare, Window: settings.Guard.Window,
		},
		ConfirmAfter: settings.ConfirmAfter,
		Jitter:       rand.N[time.Duration],
		Log:          log,
	})
	work := &worker.Worker{
		Queue:       changes,
		DeadLetters: queue.NewSQS(client, settings.AWS.DeadLetterQueueURL),
		Converge:    engine.Converge,
		Pause:       pause.New(kept, directory, target, log),
		Log:         log,
	}
	lambda.StartWithOptions(work.HandleEvent, lambda.WithContext(ctx))
	return nil
}

// scope is who is provisioned: nil for everybody.
func scope(settings *config.Settings, graph *entra.Client) *provision.Scope {
	if settings.Everybody() {
		return nil
	}
	app := &scoping.Application{AppID: settings.Entra.AppID, Find: graph.ServicePrincipal}
	roles := scoping.Roles{ExcludeDefault: settings.DefaultAccess == "exclude"}
	return &provision.Scope{App: app.ID, Covers: roles.Cover}
}
