package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/replay"
)

// recovery is what a pause and its end ask for, with the homes on AWS: the event
// source mapping is the worker's feed, if the settings name one.
func recovery(c aws.Config, homes config.AWS, sides *pause.Switch, compare *reconcile.Requests, log *slog.Logger) *pause.Recovery {
	client := sqs.NewFromConfig(c)
	letters := &replay.Job{
		Dead: queue.NewSQS(client, homes.DeadLetterQueueURL),
		Main: queue.NewSQS(client, homes.ChangeQueueURL),
		Log:  log,
	}
	r := &pause.Recovery{Switch: sides, Replay: letters.Transient, Compare: compare.Request}
	if homes.EventSourceMapping != "" {
		r.Feed = queue.NewMapping(lambda.NewFromConfig(c), homes.EventSourceMapping, log).Enable
	}
	return r
}

// drops takes the letters of objects that have healed off the dead-letter queue.
func drops(c aws.Config, homes config.AWS, kept *ledger.DynamoDB, log *slog.Logger) *replay.Drops {
	return &replay.Drops{
		Dead:    queue.NewSQS(sqs.NewFromConfig(c), homes.DeadLetterQueueURL),
		Letters: &provision.Letters{Ledger: kept, Documents: kept, Now: time.Now},
		Look:    time.Second,
		Log:     log,
	}
}
