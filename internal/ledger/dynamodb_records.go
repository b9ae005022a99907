package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"entrawebex/internal/provision"
)

// Records calls each with every record, in no order to rely on. It stops at
// the first error and returns it, one of each as it is. each may write to the
// ledger; a record written meanwhile comes as it was or as it is.
//
// It reads the whole table, up to 1 MB a call, which is 256 read units: for a
// person, not for a schedule ("Scanning tables in DynamoDB", AWS Developer
// Guide).
func (d *DynamoDB) Records(ctx context.Context, each func(provision.Record) error) error {
	pages := dynamodb.NewScanPaginator(d.client, &dynamodb.ScanInput{
		TableName:        &d.table,
		ConsistentRead:   aws.Bool(true),
		FilterExpression: aws.String("attribute_exists(recordJson)"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read records: %w", fault(err, err))
		}
		var items []recordItem
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
			return fmt.Errorf("read records: decode items: %w", err)
		}
		for _, item := range items {
			r, err := item.listed()
			if err != nil {
				return fmt.Errorf("read records: %w", err)
			}
			if err := each(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed returns the item as the record of the object that its key names.
func (i recordItem) listed() (provision.Record, error) {
	o, err := linkedObject(i.Key)
	if err != nil {
		return provision.Record{}, err
	}
	r, err := i.record(o)
	if err != nil {
		return provision.Record{}, fmt.Errorf("%s: %w", o, err)
	}
	return r, nil
}
