package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/leftout"
	"entrawebex/internal/provision"
)

func TestMain(m *testing.M) {
	if os.Getenv("DYNAMODB_EMULATOR_URL") == "" {
		leftout.Say("the ledger's conformance to DynamoDB", "it needs an emulator, which make test starts")
	}
	os.Exit(m.Run())
}

// item is an item in DynamoDB's JSON: {"pk": {"S": "user#…"}}.
type item map[string]map[string]any

// write is a write within a request, or a request that is one write.
type write struct {
	Key, Item                 item
	ConditionExpression       string
	ExpressionAttributeValues item
}

// request is as much of a request as decides.
type request struct {
	ConsistentRead bool
	RequestItems   map[string]struct{ ConsistentRead bool }
	TransactItems  []map[string]write
	write
}

// recorder is a DynamoDB that has one item, whatever it is asked for, keeps the
// conditions of writes and notes every request.
type recorder struct {
	t    *testing.T
	item item

	mu     sync.Mutex
	asked  []string
	stale  []string // reads that may show the past
	writes []write
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var in request
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil {
		r.t.Error(err)
	}
	_, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	r.asked = append(r.asked, action)
	answer := map[string]any{}
	switch action {
	case "GetItem", "Scan", "Query":
		r.read(action, in.ConsistentRead)
		answer["Item"] = r.item
	case "BatchGetItem":
		for _, table := range in.RequestItems {
			r.read(action, table.ConsistentRead)
		}
	default:
		answer = r.written(in)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if answer["__type"] != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		r.t.Error(err)
	}
}

func (r *recorder) read(action string, consistent bool) {
	if !consistent {
		r.stale = append(r.stale, action)
	}
}

// written answers a request that writes: only if all of its conditions hold.
func (r *recorder) written(in request) map[string]any {
	writes := []write{in.write}
	for _, one := range in.TransactItems {
		for _, inner := range one {
			writes = append(writes, inner)
		}
	}
	if len(in.TransactItems) > 0 {
		writes = writes[1:]
	}
	r.writes = append(r.writes, writes...)
	for _, one := range writes {
		if !r.holds(one) {
			return map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
		}
	}
	return map[string]any{"Attributes": r.item}
}

// holds evaluates a condition: terms joined by AND, or by OR.
func (r *recorder) holds(w write) bool {
	if w.ConditionExpression == "" {
		return true
	}
	either := strings.Contains(w.ConditionExpression, " OR ")
	for term := range strings.SplitSeq(strings.ReplaceAll(w.ConditionExpression, " OR ", " AND "), " AND ") {
		if r.term(term, w.ExpressionAttributeValues) == either {
			return either
		}
	}
	return !either
}

func (r *recorder) term(term string, values item) bool {
	if name, ok := strings.CutPrefix(term, "attribute_not_exists("); ok {
		return r.item[strings.TrimSuffix(name, ")")] == nil
	}
	words := strings.Fields(term)
	if len(words) != 3 || r.item[words[0]] == nil {
		return false
	}
	have, want := r.item[words[0]], values[words[2]]
	switch words[1] {
	case "=":
		return fmt.Sprint(have) == fmt.Sprint(want)
	case "<=":
		return number(r.t, have) <= number(r.t, want)
	default:
		r.t.Errorf("the recorder does not know %q", term)
		return false
	}
}

func number(t *testing.T, value map[string]any) int64 {
	t.Helper()
	n, err := strconv.ParseInt(fmt.Sprint(value["N"]), 10, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}

// record returns a ledger on a table that has the item, and what it is asked.
func record(t *testing.T, has item) (*ledger.DynamoDB, *recorder) {
	t.Helper()
	r := &recorder{t: t, item: has}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	once := dynamodb.New(newClient(server.URL).Options(), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	return ledger.NewDynamoDB(once, "ledger"), r
}

func TestDynamoDBReadsWhatDecidesConsistently(t *testing.T) {
	t.Parallel()
	o := newUser()
	for name, read := range map[string]func(*ledger.DynamoDB) error{
		"a record": func(d *ledger.DynamoDB) error { _, _, err := d.Record(t.Context(), o); return err },
		"whose an account is": func(d *ledger.DynamoDB) error {
			_, _, err := d.LinkedTo(t.Context(), "w")
			return err
		},
		"a document":    func(d *ledger.DynamoDB) error { _, _, err := d.Document(t.Context(), "pause"); return err },
		"the Webex ids": func(d *ledger.DynamoDB) error { _, err := d.WebexIDs(t.Context(), []change.Object{o}); return err },
		"who waits":     func(d *ledger.DynamoDB) error { _, err := d.Awaiting(t.Context(), o); return err },
		"all the records": func(d *ledger.DynamoDB) error {
			return d.Records(t.Context(), func(provision.Record) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, r := record(t, nil)
			_ = read(d) // the empty answer may be none; what is asked is what counts
			if len(r.asked) == 0 || len(r.stale) > 0 {
				t.Errorf("asked %v, of which %v may show the past", r.asked, r.stale)
			}
		})
	}
}

// recordOf is the item of an object that somebody has claimed until then.
func recordOf(o change.Object, owner string, until time.Time) item {
	has := item{
		"pk":          {"S": "user#" + o.ID},
		"recordJson":  {"S": `{"object":{"kind":"user","id":"` + o.ID + `"}}`},
		"webexId":     {"S": "w"},
		"unconcluded": {"N": "1"},
		"claimUntil":  {"N": strconv.FormatInt(until.UnixMilli(), 10)},
	}
	if owner != "" {
		has["claimOwner"] = map[string]any{"S": owner}
	}
	return has
}

func TestDynamoDBTakesNoClaimThatIsNotFree(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		owner string
		until time.Time
		taken bool
	}{
		"nobody's is free":                   {"", now.Add(time.Minute), false},
		"one's own is free":                  {"me", now.Add(time.Minute), false},
		"another's is taken":                 {"another", now.Add(time.Minute), true},
		"another's for a millisecond longer": {"another", now.Add(time.Millisecond), true},
		"another's that ends now is free":    {"another", now, false},
		"another's that ran out is free":     {"another", now.Add(-time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newUser()
			d, r := record(t, recordOf(o, test.owner, test.until))
			_, err := d.Claim(t.Context(), o, "me", now, now.Add(2*time.Minute))
			if taken := errors.Is(err, provision.ErrClaimed); taken != test.taken || !taken && err != nil {
				t.Errorf("Claim: %v", err)
			}
			if len(r.writes) != 1 || r.writes[0].ConditionExpression == "" {
				t.Errorf("the writes are %+v", r.writes)
			}
		})
	}
}

func TestDynamoDBWritesOnlyWhatIsStillAsTheWriterKnowsIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	o := newUser()
	known := provision.Record{Object: o, WebexID: "w"}
	unlinked := provision.Record{Object: o}
	mine, others := recordOf(o, "me", now), recordOf(o, "another", now)
	moved := recordOf(o, "me", now)
	moved["webexId"] = map[string]any{"S": "another"}
	version := func(n string) item { return item{"pk": {"S": "doc#pause"}, "docVersion": {"N": n}} }
	save := func(d *ledger.DynamoDB) error { return d.Save(t.Context(), "me", known, known) }
	unlink := func(d *ledger.DynamoDB) error { return d.Save(t.Context(), "me", known, unlinked) }
	forget := func(d *ledger.DynamoDB) error { return d.Forget(t.Context(), "me", known) }
	put := func(n int64) func(*ledger.DynamoDB) error {
		return func(d *ledger.DynamoDB) error { return d.PutDocument(t.Context(), "pause", []byte("{}"), n) }
	}
	for name, test := range map[string]struct {
		has    item
		write  func(*ledger.DynamoDB) error
		writes int
		fails  bool
	}{
		"a record under its claim":             {mine, save, 1, false},
		"no record under another's claim":      {others, save, 1, true},
		"no record that was linked meanwhile":  {moved, save, 1, true},
		"no link under another's claim":        {others, unlink, 2, true},
		"nothing is forgotten under another's": {others, forget, 2, true},
		"a document at its version":            {version("3"), put(3), 1, false},
		"no document at another version":       {version("4"), put(3), 1, true},
		"a document that is not there":         {nil, put(0), 1, false},
		"no document that is there meanwhile":  {version("1"), put(0), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, r := record(t, test.has)
			if err := test.write(d); (err != nil) != test.fails {
				t.Errorf("error %v", err)
			}
			for _, one := range r.writes {
				if one.ConditionExpression == "" {
					t.Errorf("a write has no condition: %+v", one)
				}
			}
			if len(r.writes) != test.writes {
				t.Errorf("%d writes, want %d", len(r.writes), test.writes)
			}
		})
	}
}
