package operations

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"entrawebex/internal/operator"
)

const (
	// patience is how long CloudWatch may take: status says more than it knows.
	patience = 5 * time.Second
	// measured is how old what it knows may be. SQS tells it something each minute, within
	// minutes ("Available CloudWatch metrics for Amazon SQS").
	measured = 10 * time.Minute
	minute   = 60 // seconds
)

// oldest returns what asks CloudWatch for the age of the oldest message of an SQS queue,
// which is no attribute of the queue.
func oldest(c aws.Config, queueURL string, now func() time.Time) func(context.Context) (operator.Oldest, error) {
	client, name := cloudwatch.NewFromConfig(c), path.Base(queueURL) // a queue's URL ends with its name
	return func(ctx context.Context) (operator.Oldest, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		at := now()
		found, err := client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(at.Add(-measured)), EndTime: &at, ScanBy: types.ScanByTimestampDescending,
			MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("oldest"), MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"),
					Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: &name}},
				},
				Period: aws.Int32(minute), Stat: aws.String("Maximum"),
			}}},
		})
		if refusal, ok := errors.AsType[smithy.APIError](err); ok && strings.HasPrefix(refusal.ErrorCode(), "AccessDenied") {
			return operator.Oldest{}, errors.New("you lack cloudwatch:GetMetricData, which the policy allows that the stack's output OperatorPolicyArn names: deploy this version of template.yaml")
		}
		if err != nil {
			return operator.Oldest{}, fmt.Errorf("CloudWatch does not tell it: %w", err)
		}
		for _, result := range found.MetricDataResults {
			if len(result.Values) > 0 && len(result.Timestamps) > 0 {
				age := time.Duration(result.Values[0] * float64(time.Second))
				return operator.Oldest{Since: result.Timestamps[0].Add(-age).UTC(), AsOf: result.Timestamps[0].UTC()}, nil
			}
		}
		return operator.Oldest{}, fmt.Errorf("CloudWatch has measured nothing for %d minutes", measured/time.Minute)
	}
}
