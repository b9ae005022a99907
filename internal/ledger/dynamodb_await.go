package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

var _ provision.Ledger = (*DynamoDB)(nil)

const (
	// awaitedPrefix is before the recordKey of an object that groups wait for.
	awaitedPrefix = "awaited#"
	// maxKeys is how many items a BatchGetItem reads at most.
	maxKeys = 100
	// unprocessedTries is how often keys that DynamoDB left out of its answer
	// are asked for before that counts as throttling.
	unprocessedTries = 3
	// concurrentNotes is how many notes are written at once.
	concurrentNotes = 16
)

// awaitedItem says which groups wait for an object.
type awaitedItem struct {
	Key    string   `dynamodbav:"pk"`
	Groups []string `dynamodbav:"groups,stringset"` // recordKeys
}

// WebexIDs implements provision.Ledger.
func (d *DynamoDB) WebexIDs(ctx context.Context, objects []change.Object) ([]string, error) {
	known := make(map[string]string, len(objects)) // recordKey to Webex id
	var keys []string                              // each once: DynamoDB refuses doubles
	for _, o := range objects {
		key := recordKey(o)
		if _, there := known[key]; !there {
			known[key] = ""
			keys = append(keys, key)
		}
	}
	for chunk := range slices.Chunk(keys, maxKeys) {
		if err := d.readLinks(ctx, chunk, known); err != nil {
			return nil, fmt.Errorf("read links of %d objects: %w", len(objects), err)
		}
	}
	ids := make([]string, len(objects))
	for i, o := range objects {
		ids[i] = known[recordKey(o)]
	}
	return ids, nil
}

// readLinks adds the Webex ids in the records with these keys to known.
func (d *DynamoDB) readLinks(ctx context.Context, keys []string, known map[string]string) error {
	request := types.KeysAndAttributes{ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, webexId")}
	for _, key := range keys {
		request.Keys = append(request.Keys, itemKey(key))
	}
	for range unprocessedTries {
		out, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{d.table: request},
		})
		if err != nil {
			return fault(err, err)
		}
		for _, attributes := range out.Responses[d.table] {
			var item recordItem
			if err := attributevalue.UnmarshalMap(attributes, &item); err != nil {
				return fmt.Errorf("decode record: %w", err)
			}
			known[item.Key] = item.WebexID
		}
		request.Keys = out.UnprocessedKeys[d.table].Keys
		if len(request.Keys) == 0 {
			return nil
		}
	}
	return throttled(errors.New("it left keys out of its answers"))
}

// Await implements provision.Ledger.
func (d *DynamoDB) Await(ctx context.Context, group change.Object, objects []change.Object) error {
	writes, ctx := errgroup.WithContext(ctx)
	writes.SetLimit(concurrentNotes)
	for _, o := range objects {
		writes.Go(func() error { return d.note(ctx, "ADD", o, group) })
	}
	if err := writes.Wait(); err != nil {
		return fmt.Errorf("note that %s waits for %d objects: %w", group, len(objects), err)
	}
	return nil
}

// Awaiting implements provision.Ledger.
func (d *DynamoDB) Awaiting(ctx context.Context, o change.Object) ([]change.Object, error) {
	var item awaitedItem
	if _, err := d.read(ctx, awaitedPrefix+recordKey(o), &item); err != nil {
		return nil, fmt.Errorf("read who waits for %s: %w", o, err)
	}
	var groups []change.Object
	for _, key := range item.Groups {
		group, err := linkedObject(key)
		if err != nil {
			return nil, fmt.Errorf("read who waits for %s: %w", o, err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// Arrived implements provision.Ledger.
func (d *DynamoDB) Arrived(ctx context.Context, o change.Object, groups []change.Object) error {
	if len(groups) == 0 {
		return nil
	}
	if err := d.note(ctx, "DELETE", o, groups...); err != nil {
		return fmt.Errorf("note that %s arrived: %w", o, err)
	}
	return nil
}

// note adds groups to those that wait for the object, or deletes them from
// it. A set that becomes empty is none.
func (d *DynamoDB) note(ctx context.Context, action string, o change.Object, groups ...change.Object) error {
	keys := make([]string, len(groups))
	for i, group := range groups {
		keys[i] = recordKey(group)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys) // DynamoDB refuses a set with doubles
	_, err := d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &d.table,
		Key:                      itemKey(awaitedPrefix + recordKey(o)),
		UpdateExpression:         aws.String(action + " #groups :groups"), // groups is a reserved word
		ExpressionAttributeNames: map[string]string{"#groups": "groups"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":groups": &types.AttributeValueMemberSS{Value: keys},
		},
	})
	return fault(err, err)
}
