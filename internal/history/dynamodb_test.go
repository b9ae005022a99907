package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"entrawebex/internal/history"
	"entrawebex/internal/leftout"
)

func TestMain(m *testing.M) {
	if os.Getenv("DYNAMODB_EMULATOR_URL") == "" {
		leftout.Say("the provisioning log's conformance to DynamoDB, and what it costs there", "it needs an emulator, which make test starts")
	}
	os.Exit(m.Run())
}

// emulator is where DynamoDB's emulator answers.
func emulator(t *testing.T) string {
	t.Helper()
	url := os.Getenv("DYNAMODB_EMULATOR_URL")
	if url == "" {
		t.Skip("DYNAMODB_EMULATOR_URL is not set: the provisioning log is not tested on DynamoDB")
	}
	return url
}

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	url := emulator(t)
	conformance(t, func(t *testing.T, now func() time.Time) history.Store {
		t.Helper()
		client := newClient(url, nil)
		return history.NewDynamoDB(client, createTable(t, client), kept, now)
	})
}

func newClient(url string, through http.RoundTripper) *dynamodb.Client {
	o := dynamodb.Options{
		BaseEndpoint: &url, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	if through != nil {
		o.HTTPClient = &http.Client{Transport: through}
	}
	return dynamodb.New(o)
}

// createTable creates a table like the one a deployment has, under a name of its own.
func createTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	table := "history-" + uuid.NewString()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			t.Error(err)
		}
	})
	const patience = 30 * time.Second
	created := dynamodb.NewTableExistsWaiter(client)
	if err := created.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &table}, patience); err != nil {
		t.Fatal(err)
	}
	return table
}

// meter counts the calls that pass it.
type meter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	m.mu.Lock()
	if m.calls == nil {
		m.calls = map[string]int{}
	}
	m.calls[action]++
	m.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// of calls f and returns the calls that it made.
func (m *meter) of(f func()) string {
	m.calls = nil
	f()
	return fmt.Sprint(m.calls)
}

func TestAnAttemptCostsOneWriteAtMostAndAQuestionNoScan(t *testing.T) {
	t.Parallel()
	url := emulator(t)
	m := &meter{}
	client := newClient(url, m)
	h := opened{Store: history.NewDynamoDB(client, createTable(t, client), kept, func() time.Time { return noon })}
	batch := func(n int, age time.Duration) []history.Entry {
		var entries []history.Entry
		for i := range n {
			entries = append(entries, ada(user(i), age+time.Duration(i)*time.Second, fmt.Sprintf("ada%d@example.com", i)))
		}
		return entries
	}
	// An entry is two items and four names, of which two are the same for all.
	for n, want := range map[int]string{1: "map[BatchWriteItem:1]", 4: "map[BatchWriteItem:1]", 10: "map[BatchWriteItem:3]"} {
		entries := batch(n, time.Hour)
		if got := m.of(func() { h.keep(t, entries...) }); got != want {
			t.Errorf("%d attempts cost %s, want %s", n, got, want)
		}
	}
	o := user(1)
	for name, test := range map[string]struct {
		ask  func()
		want string
	}{
		"one person's history": {func() { h.read(t, history.Span{Object: &o}) }, "map[Query:1]"},
		"a day's failures": {func() {
			h.read(t, history.Span{Since: noon.Truncate(24 * time.Hour), Until: noon, Status: history.Failure})
		}, "map[Query:1]"},
		"all of two days": {func() { h.read(t, history.Span{Since: noon.Add(-24 * time.Hour), Until: noon}) }, "map[Query:8]"},
		"a name":          {func() { h.wantNamed(t, "ada1@example.com", user(1)) }, "map[Query:1]"},
	} {
		if got := m.of(test.ask); got != test.want {
			t.Errorf("%s costs %s, want %s", name, got, test.want)
		}
	}
}

// left is a DynamoDB that leaves the first item of each of so many writes out.
type left struct {
	t       *testing.T
	times   int
	written []int // items in each request
}

func (l *left) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		RequestItems map[string][]json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		l.t.Error(err)
	}
	items := in.RequestItems["table"]
	l.written = append(l.written, len(items))
	answer := map[string]any{}
	if l.times > 0 {
		l.times--
		answer["UnprocessedItems"] = map[string]any{"table": items[:1]}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		l.t.Error(err)
	}
}

func TestWhatDynamoDBLeavesOutIsSentAgainAFewTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		times   int
		written string
		fails   bool
	}{
		{"nothing", 0, "[2]", false},
		{"one item, twice", 2, "[2 1 1]", false},
		{"one item, always", 100, "[2 1 1 1]", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := &left{t: t, times: test.times}
			server := httptest.NewServer(l)
			t.Cleanup(server.Close)
			d := history.NewDynamoDB(newClient(server.URL, nil), "table", kept, func() time.Time { return noon })
			err := d.Keep(t.Context(), []history.Entry{entry(user(1), 0, history.Success)}, nil)
			if got := fmt.Sprint(l.written); got != test.written || (err != nil) != test.fails {
				t.Errorf("%s, %v; want %s", got, err, test.written)
			}
		})
	}
}

// DynamoDB removes an item at its time to live, which is in seconds.
func TestAnItemSaysWhenItExpires(t *testing.T) {
	t.Parallel()
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body = string(text)
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	d := history.NewDynamoDB(newClient(server.URL, nil), "table", kept, func() time.Time { return noon })
	err := d.Keep(t.Context(), []history.Entry{ada(user(1), 0, "ada@example.com")}, []history.Idle{{Hour: noon, Process: "p"}})
	want := fmt.Sprintf(`"expires":{"N":"%d"}`, noon.Add(kept).Unix())
	if n := strings.Count(body, want); err != nil || n != 7 {
		t.Errorf("%d of 7 items say %s: %s, %v", n, want, body, err)
	}
}
