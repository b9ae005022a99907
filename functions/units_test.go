package functions_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"entrawebex/internal/sandbox/graph"
)

// units are what AWS bills, by its kind.
type units map[string]float64

// counted are the calls that the functions have made until now.
func (d *stackDeployment) counted() units {
	sum := units{}
	for _, role := range []string{"WebhookRole", "WorkerRole", "RenewRole", "ReconcileRole"} {
		for call, n := range d.cloud.Used(role) {
			service, action, _ := strings.Cut(call.Action, ":")
			switch {
			case service == "sqs":
				sum["requests to SQS"] += float64(n)
			case service == "dynamodb" && regexp.MustCompile("^(Put|Update|Delete|BatchWrite)").MatchString(action):
				sum["writes to DynamoDB"] += float64(n)
			case service == "dynamodb" && action != "DescribeTable": // which costs nothing
				sum["reads of DynamoDB"] += float64(n)
			}
		}
	}
	return sum
}

// The table of docs/sizing.md says what one change, one minute and one linked object
// cost. It may say more than is measured here, since on a slow machine a change is looked
// at more often, and not less.
func TestTheUnitsOfSizingAreWhatTheFunctionsUse(t *testing.T) {
	t.Parallel()
	d := deployStack(t, map[string]string{"START_PAUSED": "false"}, nil)
	ids := make([]string, 20)
	for n := range ids {
		var err error
		if ids[n], err = d.tenant.Create(graph.User{"userPrincipalName": fmt.Sprintf("user%d@contoso.example", n), "displayName": "User", "givenName": "U", "surname": "S"}); err != nil {
			t.Fatal(err)
		}
		if err := d.tenant.Assign(ids[n], graph.DefaultAccess); err != nil {
			t.Fatal(err)
		}
	}
	d.within(2*time.Minute, "everybody has an account, and no look is left over", func() bool { return d.converged() && d.idle() })
	d.resting.Store(d.renew, true)
	d.resting.Store(d.reconcile, true)
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		t.Fatal(err)
	}
	of := func(n int, what func(n int)) units {
		t.Helper()
		before := d.counted()
		for i := range n {
			what(i)
		}
		spent := d.counted()
		for kind := range spent {
			spent[kind] = (spent[kind] - before[kind]) / float64(n)
		}
		return spent
	}
	minute := func(int) {
		for _, f := range []*lambdaFunction{d.renew, d.reconcile} {
			if err := f.invoke(t.Context(), scheduled, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	minute(0) // what the changes left
	got := map[string]units{
		"a minute": of(5, minute),
		"a change of a user": of(len(ids), func(n int) {
			if err := d.tenant.Update(ids[n], func(u graph.User) { u["displayName"] = fmt.Sprint("Renamed ", n) }); err != nil {
				t.Fatal(err)
			}
			d.eventually("the change is in Webex", func() bool { return d.converged() && d.idle() })
		}),
	}
	page := string(must(os.ReadFile(filepath.Join("..", "docs", "sizing.md"))))
	for what, spent := range got {
		for _, kind := range []string{"requests to SQS", "writes to DynamoDB", "reads of DynamoDB"} {
			row := regexp.MustCompile(`(?m)^\| ` + kind + ` for ` + what + ` \| ([0-9.]+) \|`).FindStringSubmatch(page)
			if row == nil {
				t.Errorf("docs/sizing.md has no row for %s for %s: %.2f", kind, what, spent[kind])
				continue
			}
			told := must(strconv.ParseFloat(row[1], 64))
			if measured := spent[kind]; measured > told || told > measured*1.5+2 {
				t.Errorf("%s for %s: %.2f, and docs/sizing.md says %s", kind, what, measured, row[1])
			}
		}
	}
	d.wantSize(page, len(ids))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wantSize compares the bytes that a linked user has in the ledger with the page.
func (d *stackDeployment) wantSize(page string, users int) {
	d.t.Helper()
	endpoint := os.Getenv("DYNAMODB_EMULATOR_URL")
	client := dynamodb.NewFromConfig(awsConfig(d.t), func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint })
	scanned, err := client.Scan(d.t.Context(), &dynamodb.ScanInput{TableName: &d.table})
	if err != nil {
		d.t.Fatal(err)
	}
	var bytes int
	for _, item := range scanned.Items {
		var fields map[string]any
		if err := attributevalue.UnmarshalMap(item, &fields); err != nil {
			d.t.Fatal(err)
		}
		bytes += len(must(json.Marshal(fields)))
	}
	each := float64(bytes) / float64(users)
	row := regexp.MustCompile(`(?m)^\| bytes in the ledger for a linked user \| ([0-9]+) \|`).FindStringSubmatch(page)
	if row == nil {
		d.t.Fatalf("docs/sizing.md has no row for the bytes of a linked user: %.0f", each)
	}
	if told := must(strconv.ParseFloat(row[1], 64)); each > told || told > each*1.5 {
		d.t.Errorf("a linked user has %.0f bytes in the ledger, and docs/sizing.md says %s", each, row[1])
	}
}
