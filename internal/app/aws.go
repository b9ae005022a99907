package app

import (
	"context"
	"log/slog"
	"net"
	"os"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/trace"
)

// OpenAWS opens what a function on AWS is made of, as the environment has it. A
// service app's tokens are in a secret of their own, from which they are read
// everywhere. What it does is counted, and written to standard output by Flush.
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
		webex: latest.Webex,
		tokens: func() renew.Tokens {
			return config.NewTokenSecret(secretsmanager.NewFromConfig(c), settings.AWS.TokenSecret, func(ctx context.Context) (config.Webex, error) {
				s, err := config.Load(ctx, function, environ, config.Secret)
				return s.Webex, err
			})
		},
	}, observer(ctx, counted, function, settings.AWS.TraceDaemon), log)
}

// observer counts attempts, and tells X-Ray of those of the worker: a comparison makes more
// of them than a trace can hold.
func observer(ctx context.Context, counted *metrics, function config.Part, daemon string) func(provision.Attempt) {
	if function != config.WorkerFunction || daemon == "" {
		return counted.attempt
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", daemon) // which sends nothing
	if err != nil {
		return counted.attempt
	}
	return func(a provision.Attempt) {
		counted.attempt(a)
		trace.Tell(conn, traced(a))
	}
}

// traced is an attempt as X-Ray shows it: no more of it than a line of the log has.
func traced(a provision.Attempt) trace.Work {
	w := trace.Work{
		Name: string(a.Action), Began: a.Started, Ended: a.Finished, Failed: a.Status == provision.Failure,
		Annotation: map[string]string{"object": a.Object.ID, "kind": string(a.Object.Kind), "status": string(a.Status)},
	}
	if len(a.Causes) > 0 {
		w.Annotation["correlationId"] = printable.Short(a.Causes[0].CorrelationID, longestCorrelationID)
	}
	return w
}

// longestCorrelationID is how many characters of one are told: a GUID, and more.
const longestCorrelationID = 64
