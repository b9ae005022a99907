package operations

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox/cloud"
)

// cloudWatch is AWS with a stack of the template, to be asked as somebody.
func cloudWatch(t *testing.T, who string) (*cloud.Cloud, aws.Config) {
	t.Helper()
	template, err := cloud.ReadTemplate("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloud.New(&cloud.Stack{Template: template, Name: "prod"}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, aws.Config{
		BaseEndpoint: &server.URL, Region: cloud.Region, Credentials: credentials.NewStaticCredentialsProvider(who, "test", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// The age that CloudWatch measured is one of a moment that is past.
func TestTheOldestChangeOfAStackIsAsCloudWatchHasIt(t *testing.T) {
	t.Parallel()
	c, config := cloudWatch(t, cloud.Operator)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ask := oldest(config, "https://sqs.eu-central-1.amazonaws.com/1/changes.fifo", func() time.Time { return now })
	c.Measure("other.fifo", now.Add(-time.Minute), time.Hour)
	for _, at := range []time.Duration{0, 11 * time.Minute} { // never, and too long ago
		if at > 0 {
			c.Measure("changes.fifo", now.Add(-at), time.Hour)
		}
		if _, err := ask(t.Context()); err == nil || err.Error() != "CloudWatch has measured nothing for 10 minutes" {
			t.Errorf("measured %s ago: %v", at, err)
		}
	}
	c.Measure("changes.fifo", now.Add(-3*time.Minute), 90*time.Second)
	got, err := ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := operator.Oldest{Since: now.Add(-3*time.Minute - 90*time.Second), AsOf: now.Add(-3 * time.Minute)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Who has an older stack's policy is told what it lacks.
func TestWhoMayNotAskCloudWatchIsToldTheMend(t *testing.T) {
	t.Parallel()
	_, config := cloudWatch(t, "ReplayRole")
	_, err := oldest(config, "https://sqs/1/changes.fifo", time.Now)(t.Context())
	if err == nil || !strings.Contains(err.Error(), "you lack cloudwatch:GetMetricData") || !strings.Contains(err.Error(), "OperatorPolicyArn") {
		t.Error(err)
	}
}
