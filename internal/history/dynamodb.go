package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"entrawebex/internal/change"
)

// DynamoDB keeps the log in one table with the string keys "pk" and "sk", and
// "expires" as the attribute of its time to live. It is not the ledger's table: what
// reads that as a whole would read 30 days of log with it, and the guard takes its
// share of how many items that one has.
//
//	pk                    sk          what
//	user#ID               time#id     an entry of an object
//	2026-03-02#failure    time#id     an entry of a day and a status
//	name#ada@example.com  user#ID     that the object was called so
//	idle#2026-03-02       09#process  the attempts of an hour with nothing to do
//
// An entry is there twice, whole: then either question is one query, without an index
// whose every write is paid, too.
type DynamoDB struct {
	client *dynamodb.Client
	table  string
	kept   time.Duration
	now    func() time.Time
}

// NewDynamoDB returns the log in the table, in which an entry is for as long as kept.
func NewDynamoDB(client *dynamodb.Client, table string, kept time.Duration, now func() time.Time) *DynamoDB {
	return &DynamoDB{client: client, table: table, kept: kept, now: now}
}

// item is an item of the table.
type item struct {
	Key     string         `dynamodbav:"pk"`
	Sort    string         `dynamodbav:"sk"`
	Entry   string         `dynamodbav:"entry,omitempty"`
	Counts  map[string]int `dynamodbav:"counts,omitempty"`
	Expires int64          `dynamodbav:"expires"` // Unix time in seconds
}

const (
	namePrefix = "name#"
	idlePrefix = "idle#"
	// maxWrites is how many items a BatchWriteItem writes at most.
	maxWrites = 25
	// writeTries is how often those are sent that DynamoDB left out, and firstPause
	// how long after the first time.
	writeTries = 4
	firstPause = 50 * time.Millisecond
)

func dayKey(t time.Time, s Status) string { return t.Format(time.DateOnly) + "#" + string(s) }

// Keep implements Store. Up to 25 items are one request: two for an entry, and one for
// each name of its object.
func (d *DynamoDB) Keep(ctx context.Context, entries []Entry, idle []Idle) error {
	items, err := d.items(entries, idle)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(items, maxWrites) {
		if err := d.write(ctx, chunk); err != nil {
			return fmt.Errorf("keep %d entries: %w", len(entries), err)
		}
	}
	return nil
}

// items are what is to be written, each key once: DynamoDB refuses doubles.
func (d *DynamoDB) items(entries []Entry, idle []Idle) ([]types.WriteRequest, error) {
	var all []item
	places := map[[2]string]int{}
	add := func(i item) {
		at := [2]string{i.Key, i.Sort}
		if place, there := places[at]; there {
			all[place] = i
			return
		}
		places[at] = len(all)
		all = append(all, i)
	}
	for i := range entries {
		e := &entries[i]
		data, err := encode(e)
		if err != nil {
			return nil, err
		}
		expires := e.At.Add(d.kept).Unix()
		add(item{Key: dayKey(e.At.UTC(), e.Status.Status), Sort: e.key(), Entry: string(data), Expires: expires})
		if o, ok := e.Object(); ok {
			add(item{Key: objectKey(o), Sort: e.key(), Entry: string(data), Expires: expires})
			for _, name := range e.names() {
				add(item{Key: namePrefix + name, Sort: objectKey(o), Expires: expires})
			}
		}
	}
	for _, n := range idle {
		hour := n.Hour.UTC()
		add(item{
			Key: idlePrefix + hour.Format(time.DateOnly), Sort: hour.Format("15") + "#" + n.Process,
			Counts: n.Counts, Expires: hour.Add(d.kept).Unix(),
		})
	}
	requests := make([]types.WriteRequest, len(all))
	for i, one := range all {
		attributes, err := attributevalue.MarshalMap(one)
		if err != nil {
			return nil, fmt.Errorf("encode entry: %w", err)
		}
		requests[i].PutRequest = &types.PutRequest{Item: attributes}
	}
	return requests, nil
}

// write writes the items, and those again that DynamoDB says it has left out.
func (d *DynamoDB) write(ctx context.Context, items []types.WriteRequest) error {
	pause := firstPause
	for try := 1; ; try++ {
		out, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{d.table: items},
		})
		if err != nil {
			return err
		}
		items = out.UnprocessedItems[d.table]
		switch {
		case len(items) == 0:
			return nil
		case try == writeTries:
			return fmt.Errorf("DynamoDB left %d items out %d times", len(items), try)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Entries implements Store. It reads the entries of the object, or those of one day
// after the other, and never the table.
func (d *DynamoDB) Entries(ctx context.Context, s Span) iter.Seq2[Entry, error] {
	s = s.within(d.now(), d.kept)
	if s.Object != nil {
		return d.query(ctx, objectKey(*s.Object), s, func(e *Entry) bool { return s.Status == "" || e.Status.Status == s.Status })
	}
	statuses := []Status{s.Status}
	if s.Status == "" {
		statuses = Statuses()
	}
	all := func(*Entry) bool { return true }
	return func(yield func(Entry, error) bool) {
		const day = 24 * time.Hour
		for at := s.Until.Truncate(day); !at.Before(s.Since.Truncate(day)); at = at.Add(-day) {
			of := make([]iter.Seq2[Entry, error], len(statuses))
			for i, status := range statuses {
				of[i] = d.query(ctx, dayKey(at, status), s, all)
			}
			for e, err := range merged(of) {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// query are the entries under one key that are wanted, page by page.
func (d *DynamoDB) query(ctx context.Context, key string, s Span, wanted func(*Entry) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		// Of two moments none is the other's beginning: so what is before Until in the
		// order of texts is so in time.
		for i, err := range d.list(ctx, key, stamp(s.Since), stamp(s.Until)) {
			if err != nil {
				yield(Entry{}, fmt.Errorf("read the log of %s: %w", key, err))
				return
			}
			e, err := decode([]byte(i.Entry))
			if err == nil && !wanted(&e) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// list are the items under a key, with a sort key from one text to another, the last
// first.
func (d *DynamoDB) list(ctx context.Context, key, from, to string) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		pages := dynamodb.NewQueryPaginator(d.client, &dynamodb.QueryInput{
			TableName: &d.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
			KeyConditionExpression: aws.String("pk = :key AND sk BETWEEN :from AND :to"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":key":  &types.AttributeValueMemberS{Value: key},
				":from": &types.AttributeValueMemberS{Value: from},
				":to":   &types.AttributeValueMemberS{Value: to},
			},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(item{}, err)
				return
			}
			var items []item
			if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
				yield(item{}, fmt.Errorf("decode items: %w", err))
				return
			}
			for _, i := range items {
				if !yield(i, nil) {
					return
				}
			}
		}
	}
}

// last is behind every sort key.
const last = "~"

// Named implements Store.
func (d *DynamoDB) Named(ctx context.Context, name string) ([]change.Object, error) {
	var found []change.Object
	now := d.now().Unix()
	for i, err := range d.list(ctx, namePrefix+fold(name), " ", last) {
		var o change.Object
		if err == nil {
			o, err = objectOf(i.Sort)
		}
		if err != nil {
			return nil, fmt.Errorf("look for a name in the log: %w", err)
		}
		if i.Expires > now { // DynamoDB removes it within days
			found = append(found, o)
		}
	}
	slices.Reverse(found)
	return found, nil
}

// Idle implements Store.
func (d *DynamoDB) Idle(ctx context.Context, since, until time.Time) (map[string]int, error) {
	s := Span{Since: since, Until: until}.within(d.now(), d.kept)
	counts := map[string]int{}
	const day = 24 * time.Hour
	for at := s.Since.Truncate(day); at.Before(s.Until); at = at.Add(day) {
		key := idlePrefix + at.Format(time.DateOnly)
		for i, err := range d.list(ctx, key, " ", last) {
			if err != nil {
				return nil, fmt.Errorf("read counts of the log: %w", err)
			}
			hour, err := hourOf(i)
			if err != nil {
				return nil, err
			}
			add(counts, i.Counts, at.Add(hour), s)
		}
	}
	return counts, nil
}

func hourOf(i item) (time.Duration, error) {
	if len(i.Sort) < len("15") {
		return 0, errors.New("read counts of the log: a key without an hour")
	}
	hour, err := strconv.Atoi(i.Sort[:len("15")])
	if err != nil {
		return 0, fmt.Errorf("read counts of the log: %w", err)
	}
	return time.Duration(hour) * time.Hour, nil
}

// add adds the counts of an hour, if it begins within the span.
func add(sum, counts map[string]int, hour time.Time, s Span) {
	if hour.Before(s.Since.Truncate(time.Hour)) || !hour.Before(s.Until) {
		return
	}
	for kind := range maps.Keys(counts) {
		sum[kind] += counts[kind]
	}
}
