package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/provision"
)

// DynamoDB is the ledger in one DynamoDB table with the string partition key
// "pk" and no sort key. Reads are strongly consistent.
//
// A call that DynamoDB carried out while its answer was lost is sent again by
// the SDK and may then meet its own effect: an attempt counted twice,
// ErrClaimed from a Save that gave the claim up, document.ErrConflict from a
// PutDocument. All three are met by reading again.
type DynamoDB struct {
	client *dynamodb.Client
	table  string
}

// NewDynamoDB returns the ledger in the table.
func NewDynamoDB(client *dynamodb.Client, table string) *DynamoDB {
	return &DynamoDB{client: client, table: table}
}

// The prefixes of the keys that are not a recordKey.
const (
	linkPrefix     = "webex#"
	documentPrefix = "doc#"
)

// recordItem is a record as the table has it. What conditions and counters
// need is an attribute of its own and left out of the JSON, so that the two
// cannot disagree.
type recordItem struct {
	Key         string `dynamodbav:"pk"`
	RecordJSON  string `dynamodbav:"recordJson"`
	WebexID     string `dynamodbav:"webexId"`
	ClaimOwner  string `dynamodbav:"claimOwner,omitempty"`
	ClaimUntil  int64  `dynamodbav:"claimUntil"` // Unix time in milliseconds
	Unconcluded int    `dynamodbav:"unconcluded"`
}

// linkItem says whose a Webex account is.
type linkItem struct {
	Key      string `dynamodbav:"pk"`
	LinkedTo string `dynamodbav:"linkedTo"` // a recordKey
}

type documentItem struct {
	Key     string `dynamodbav:"pk"`
	Data    []byte `dynamodbav:"data"`
	Version int64  `dynamodbav:"docVersion"`
}

// The conditions of writes.
const (
	// claimable: nobody's, one's own, or run out.
	claimable = "attribute_not_exists(claimOwner) OR claimOwner = :owner OR claimUntil <= :now"
	// claimed: the owner still has the claim and knows the present link.
	claimed = "claimOwner = :owner AND webexId = :webexId"
	// linkable: the Webex account is nobody's or this object's.
	linkable = "attribute_not_exists(pk) OR linkedTo = :object"
)

// claimUpdate takes the claim, counts the attempt and, if the item is new,
// gives it the rest of a record.
const claimUpdate = "SET claimOwner = :owner, claimUntil = :until, " +
	"recordJson = if_not_exists(recordJson, :empty), webexId = if_not_exists(webexId, :none) " +
	"ADD unconcluded :one"

// Claim implements provision.Ledger.
func (d *DynamoDB) Claim(
	ctx context.Context, o change.Object, owner string, now, until time.Time,
) (provision.Record, error) {
	empty, err := encodeRecord(provision.Record{Object: o})
	if err != nil {
		return provision.Record{}, fmt.Errorf("claim %s: %w", o, err)
	}
	out, err := d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &d.table,
		Key:                 itemKey(recordKey(o)),
		UpdateExpression:    aws.String(claimUpdate),
		ConditionExpression: aws.String(claimable),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":owner": text(owner),
			":now":   number(now.UnixMilli()),
			":until": number(until.UnixMilli()),
			":empty": text(string(empty)),
			":none":  text(""),
			":one":   number(1),
		},
		ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return provision.Record{}, fmt.Errorf("claim %s: %w", o, fault(err, provision.ErrClaimed))
	}
	var item recordItem
	if err := attributevalue.UnmarshalMap(out.Attributes, &item); err != nil {
		return provision.Record{}, fmt.Errorf("claim %s: decode record: %w", o, err)
	}
	r, err := item.record(o)
	if err != nil {
		return provision.Record{}, fmt.Errorf("claim %s: %w", o, err)
	}
	return r, nil
}

// Save implements provision.Ledger.
func (d *DynamoDB) Save(ctx context.Context, owner string, before, after provision.Record) error {
	put, err := d.putRecord(owner, before, after)
	if err != nil {
		return fmt.Errorf("save %s: %w", before.Object, err)
	}
	if before.WebexID == after.WebexID {
		err = d.put(ctx, put, provision.ErrClaimed)
	} else {
		err = d.transact(ctx, types.TransactWriteItem{Put: put}, d.relink(before, after.WebexID))
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", before.Object, err)
	}
	return nil
}

// Forget implements provision.Ledger.
func (d *DynamoDB) Forget(ctx context.Context, owner string, r provision.Record) error {
	remove := types.TransactWriteItem{Delete: &types.Delete{
		TableName:                 &d.table,
		Key:                       itemKey(recordKey(r.Object)),
		ConditionExpression:       aws.String(claimed),
		ExpressionAttributeValues: claimedValues(owner, r),
	}}
	if err := d.transact(ctx, remove, d.relink(r, "")); err != nil {
		return fmt.Errorf("forget %s: %w", r.Object, err)
	}
	return nil
}

// Record implements provision.Ledger.
func (d *DynamoDB) Record(ctx context.Context, o change.Object) (provision.Record, bool, error) {
	var item recordItem
	found, err := d.read(ctx, recordKey(o), &item)
	if err != nil {
		return provision.Record{}, false, fmt.Errorf("read record of %s: %w", o, err)
	}
	if !found {
		return provision.Record{}, false, nil
	}
	r, err := item.record(o)
	if err != nil {
		return provision.Record{}, false, fmt.Errorf("read record of %s: %w", o, err)
	}
	return r, true, nil
}

// LinkedTo implements provision.Ledger.
func (d *DynamoDB) LinkedTo(ctx context.Context, webexID string) (change.Object, bool, error) {
	var item linkItem
	found, err := d.read(ctx, linkPrefix+webexID, &item)
	if err != nil {
		return change.Object{}, false, fmt.Errorf("read link of Webex account %s: %w", webexID, err)
	}
	if !found {
		return change.Object{}, false, nil
	}
	o, err := linkedObject(item.LinkedTo)
	if err != nil {
		return change.Object{}, false, fmt.Errorf("read link of Webex account %s: %w", webexID, err)
	}
	return o, true, nil
}

// Document implements document.Store.
func (d *DynamoDB) Document(ctx context.Context, name string) (data []byte, version int64, err error) {
	var item documentItem
	if _, err := d.read(ctx, documentPrefix+name, &item); err != nil {
		return nil, 0, fmt.Errorf("read document %s: %w", name, err)
	}
	return item.Data, item.Version, nil
}

// PutDocument implements document.Store.
func (d *DynamoDB) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	if err := checkSize(data); err != nil {
		return fmt.Errorf("write document %s: %w", name, err)
	}
	put := &types.Put{
		TableName: &d.table,
		Item: map[string]types.AttributeValue{
			"pk":         text(documentPrefix + name),
			"data":       &types.AttributeValueMemberB{Value: data},
			"docVersion": number(version + 1),
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}
	if version != 0 {
		put.ConditionExpression = aws.String("docVersion = :version")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":version": number(version)}
	}
	if err := d.put(ctx, put, document.ErrConflict); err != nil {
		return fmt.Errorf("write document %s: %w", name, err)
	}
	return nil
}

// record returns the item as the record of o.
func (i recordItem) record(o change.Object) (provision.Record, error) {
	r, err := decodeRecord(o, []byte(i.RecordJSON))
	if err != nil {
		return provision.Record{}, err
	}
	r.WebexID = i.WebexID
	r.Unconcluded = i.Unconcluded
	if i.ClaimOwner != "" {
		r.Claim = provision.Claim{Owner: i.ClaimOwner, Until: time.UnixMilli(i.ClaimUntil).UTC()}
	}
	return r, nil
}

// putRecord is the write of after, on the condition that owner has the claim.
func (d *DynamoDB) putRecord(owner string, before, after provision.Record) (*types.Put, error) {
	item := recordItem{
		Key:         recordKey(after.Object),
		WebexID:     after.WebexID,
		ClaimOwner:  after.Claim.Owner,
		ClaimUntil:  after.Claim.Until.UnixMilli(),
		Unconcluded: after.Unconcluded,
	}
	after.WebexID, after.Claim, after.Unconcluded = "", provision.Claim{}, 0
	data, err := encodeRecord(after)
	if err != nil {
		return nil, err
	}
	item.RecordJSON = string(data)
	attributes, err := attributevalue.MarshalMap(item)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return &types.Put{
		TableName:                 &d.table,
		Item:                      attributes,
		ConditionExpression:       aws.String(claimed),
		ExpressionAttributeValues: claimedValues(owner, before),
	}, nil
}

// relink is the writes that move the link of before to webexID; either may be
// empty.
func (d *DynamoDB) relink(before provision.Record, webexID string) []types.TransactWriteItem {
	object := text(recordKey(before.Object))
	condition := map[string]types.AttributeValue{":object": object}
	var writes []types.TransactWriteItem
	if before.WebexID != "" {
		writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{
			TableName:                 &d.table,
			Key:                       itemKey(linkPrefix + before.WebexID),
			ConditionExpression:       aws.String(linkable),
			ExpressionAttributeValues: condition,
		}})
	}
	if webexID != "" {
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{
			TableName: &d.table,
			Item: map[string]types.AttributeValue{
				"pk":       text(linkPrefix + webexID),
				"linkedTo": object,
			},
			ConditionExpression:       aws.String(linkable),
			ExpressionAttributeValues: condition,
		}})
	}
	return writes
}

// transact writes the record and its links together: ErrClaimed if the
// record's condition fails, ErrLinked if a link's does.
func (d *DynamoDB) transact(
	ctx context.Context, record types.TransactWriteItem, links []types.TransactWriteItem,
) error {
	_, err := d.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: append([]types.TransactWriteItem{record}, links...),
	})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return fault(err, err)
	}
	for i, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			if i == 0 {
				return provision.ErrClaimed
			}
			return provision.ErrLinked
		case "TransactionConflict":
			return conflict(err)
		case "ProvisionedThroughputExceeded", "ThrottlingError":
			return throttled(err)
		}
	}
	return err
}

// put writes one item; refusal is the error if its condition fails.
func (d *DynamoDB) put(ctx context.Context, put *types.Put, refusal error) error {
	_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 put.TableName,
		Item:                      put.Item,
		ConditionExpression:       put.ConditionExpression,
		ExpressionAttributeValues: put.ExpressionAttributeValues,
	})
	return fault(err, refusal)
}

// read reads one item into the struct that item points to; false if there is
// none.
func (d *DynamoDB) read(ctx context.Context, key string, item any) (bool, error) {
	out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &d.table,
		Key:            itemKey(key),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return false, fault(err, err)
	}
	if out.Item == nil {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, item); err != nil {
		return false, fmt.Errorf("decode item: %w", err)
	}
	return true, nil
}

// fault returns the refusal for a failed condition, a Fault where DynamoDB
// says that another try will do, and any other error as it is ("Error
// handling with DynamoDB", AWS Developer Guide).
func fault(err, refusal error) error {
	var failed *types.ConditionalCheckFailedException
	var busy *types.TransactionConflictException
	var api smithy.APIError
	switch {
	case errors.As(err, &failed):
		return refusal
	case errors.As(err, &busy):
		return conflict(err)
	case retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary:
		return throttled(err)
	case errors.As(err, &api) && api.ErrorFault() == smithy.FaultServer:
		return &provision.Fault{
			Kind: provision.Transient, Reason: "DynamoDB failed", Uncertain: true, Err: err,
		}
	}
	return err
}

func conflict(err error) error {
	return &provision.Fault{
		Kind: provision.Transient, Reason: "the ledger is writing the same item for another", Err: err,
	}
}

func throttled(err error) error {
	return &provision.Fault{Kind: provision.Throttled, Reason: "DynamoDB asks for a pause", Err: err}
}

func claimedValues(owner string, known provision.Record) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":owner": text(owner), ":webexId": text(known.WebexID)}
}

func itemKey(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(key)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
