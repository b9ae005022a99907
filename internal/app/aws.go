package app

import (
	"context"
	"log/slog"
	"os"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

// OpenAWS opens what a function on AWS is made of, as the environment has it. A
// service app's tokens are in the secret from which they are read everywhere. What it does
// is counted, and written to standard output by Flush.
func OpenAWS(ctx context.Context, function config.Part, environ []string, log *slog.Logger) (*App, error) {
	settings, latest, err := config.Begin(ctx, function, environ, log)
	if err != nil {
		return nil, err
	}
	c, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	counted := newMetrics(settings.AWS.MetricNamespace, os.Stdout)
	return open(ctx, settings, backend{
		metrics: counted,
		stores:  stores.OnAWS(c, &settings, log),
		latest:  latest, askEvery: askEvery,
		webex:  latest.Webex,
		tokens: func() renew.Tokens { return config.NewTokenSecret(secretsmanager.NewFromConfig(c), environ) },
	}, counted.attempt, log)
}
