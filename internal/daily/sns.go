package daily

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// ToTopic sends mails to all who subscribed to a topic of SNS by e-mail.
func ToTopic(c aws.Config, topic string) func(ctx context.Context, subject, text string) error {
	client := sns.NewFromConfig(c)
	return func(ctx context.Context, subject, text string) error {
		_, err := client.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Subject: &subject, Message: &text})
		return err
	}
}
