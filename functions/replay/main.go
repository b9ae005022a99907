// Function replay puts dead letters back on the change queue: all of them, or
// those that a filter chooses.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/config"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("replay cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	settings, err := config.Load(ctx, config.ReplayFunction, os.Environ(), config.Secret)
	if err != nil {
		return err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(aws)
	dead, changes := queue.NewSQS(client, settings.AWS.DeadLetterQueueURL), queue.NewSQS(client, settings.AWS.ChangeQueueURL)
	job := &replay.Job{
		Dead: dead,
		Main: changes,
		Redrive: func(ctx context.Context, rate int) (string, error) {
			return dead.Redrive(ctx, changes, rate)
		},
		Log: log,
	}
	lambda.StartWithOptions(job.HandleEvent, lambda.WithContext(ctx))
	return nil
}
