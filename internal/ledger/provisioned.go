package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.etcd.io/bbolt"
)

// Provisioned returns how many objects are linked to an account or group.
func (b *Bolt) Provisioned(ctx context.Context) (int, error) {
	var n int
	err := b.read(ctx, func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte(linksBucket)).Stats().KeyN
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count links: %w", err)
	}
	return n, nil
}

// Provisioned returns about how many objects are linked to an account or
// group: half of the table's items, since each of them has a record and a link
// and next to nothing else is kept. DynamoDB counts items about every six hours
// (TableDescription, ItemCount, Amazon DynamoDB API Reference); a young table
// is said to be empty.
func (d *DynamoDB) Provisioned(ctx context.Context) (int, error) {
	const itemsEach = 2
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.table})
	if err != nil {
		return 0, fmt.Errorf("count links: %w", fault(err, err))
	}
	return int(aws.ToInt64(out.Table.ItemCount)) / itemsEach, nil
}
