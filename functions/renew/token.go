package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"entrawebex/internal/config"
	"entrawebex/internal/renew"
	"entrawebex/internal/webex"
)

// tokenJob keeps the token for Webex alive: a service app's is in the secret
// from which it is read everywhere.
func tokenJob(c aws.Config, latest *config.Latest, s config.Webex, log *slog.Logger) *renew.TokenJob {
	job := &renew.TokenJob{Ends: s.TokenEnds(), Now: time.Now, Log: log}
	if s.HasServiceApp() {
		job.Tokens = config.NewTokenSecret(secretsmanager.NewFromConfig(c), os.Environ())
		job.Refresh = webex.OpenRefresh(latest.Webex)
	}
	return job
}
