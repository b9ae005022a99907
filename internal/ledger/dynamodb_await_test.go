package ledger_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// The emulator leaves no keys out of its answers; DynamoDB may
// (BatchGetItem, API Reference).
func TestKeysThatDynamoDBLeavesOutAreAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lazy  int   // how many answers leave out all keys but one
		asked []int // how many keys each request names
		fault bool
	}{
		"none are asked for once":                {0, []int{5}, false},
		"they are asked for until they are read": {2, []int{5, 4, 3}, false},
		"a few times, then it is throttling":     {9, []int{5, 4, 3}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := &lazyTable{t: t, lazy: test.lazy}
			server := httptest.NewServer(table)
			defer server.Close()
			once := dynamodb.New(newClient(server.URL).Options(), func(o *dynamodb.Options) {
				o.Retryer = aws.NopRetryer{}
			})
			users := newUsers(5)

			ids, err := ledger.NewDynamoDB(once, "ledger").WebexIDs(t.Context(), users)
			wantEqual(t, table.asked, test.asked)
			if test.fault {
				var fault *provision.Fault
				if !errors.As(err, &fault) || fault.Kind != provision.Throttled {
					t.Errorf("WebexIDs: %v; want a throttled fault", err)
				}
				return
			}
			var want []string
			for _, o := range users {
				want = append(want, "account of user#"+o.ID)
			}
			if diff := cmp.Diff(want, ids); diff != "" || err != nil {
				t.Errorf("WebexIDs: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// lazyTable answers BatchGetItem, the first times with one item only.
type lazyTable struct {
	t     *testing.T
	lazy  int
	asked []int
}

type batchKeys struct {
	Keys           []map[string]map[string]string
	ConsistentRead bool
}

func (l *lazyTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct{ RequestItems map[string]batchKeys }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		l.t.Error(err)
	}
	wanted := request.RequestItems["ledger"]
	if !wanted.ConsistentRead {
		l.t.Error("the read is not consistent")
	}
	l.asked = append(l.asked, len(wanted.Keys))
	read := len(wanted.Keys)
	if len(l.asked) <= l.lazy {
		read = 1
	}
	var items []map[string]map[string]string
	for _, key := range wanted.Keys[:read] {
		items = append(items, map[string]map[string]string{
			"pk": key["pk"], "webexId": {"S": "account of " + key["pk"]["S"]},
		})
	}
	unprocessed := map[string]batchKeys{}
	if left := wanted.Keys[read:]; len(left) > 0 {
		unprocessed["ledger"] = batchKeys{Keys: left, ConsistentRead: true}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err := json.NewEncoder(w).Encode(map[string]any{
		"Responses": map[string]any{"ledger": items}, "UnprocessedKeys": unprocessed,
	}); err != nil {
		l.t.Error(err)
	}
}
