package docs_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The table of a month is that of the units, which functions' tests count, times what
// happens in a month.
func TestAMonthIsMadeOfItsUnits(t *testing.T) {
	t.Parallel()
	page := contents(t, "sizing.md")
	unit := func(name string) int {
		row := regexp.MustCompile(`(?m)^\| ` + name + ` \| (\d+) \|$`).FindStringSubmatch(page)
		if row == nil {
			t.Fatalf("there is no row %q", name)
		}
		n, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const minutes = 30 * 24 * 60
	for column, users := range []int{1_000, 10_000, 100_000} {
		changes := 4 * users
		for name, want := range map[string]int{
			"changes":                 changes,
			"requests to the webhook": changes,
			"starts of functions":     2*minutes + 2*changes,
			// Lambda asks the queue 15 times a minute, and receives and deletes a message.
			"requests to SQS":    (15+unit("requests to SQS for a minute"))*minutes + (2+unit("requests to SQS for a change of a user"))*changes,
			"writes to DynamoDB": unit("writes to DynamoDB for a minute")*minutes + unit("writes to DynamoDB for a change of a user")*changes,
			"reads of DynamoDB":  unit("reads of DynamoDB for a minute")*minutes + unit("reads of DynamoDB for a change of a user")*changes,
			// A read unit is 4 KB, and one user's part of a month is made whole.
			"read units of the daily comparison": users * ((30*unit("bytes in the ledger for a linked user") + 4095) / 4096),
		} {
			row := regexp.MustCompile(`(?m)^\| ` + name + `[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$`).FindStringSubmatch(page)
			if row == nil {
				t.Fatalf("there is no row %q for a month", name)
			}
			got := strings.ReplaceAll(strings.TrimSpace(row[1+column]), ",", "")
			if got != fmt.Sprint(want) {
				t.Errorf("%s of %d users: %s, want %d", name, users, got, want)
			}
		}
	}
}

// The table of dollars is that of the month, times the prices that the page assumes.
func TestAMonthCostsItsUnitsAtTheAssumedPrices(t *testing.T) {
	t.Parallel()
	page := contents(t, "sizing.md")
	numbers := func(row string) []float64 {
		found := regexp.MustCompile(`(?m)^\| `+row+`[^|]*((?:\|[^|\n]+)+)\|$`).FindAllStringSubmatch(page, -1)
		if len(found) == 0 {
			t.Fatalf("there is no row %q", row)
		}
		var values []float64
		for _, cell := range strings.Split(found[len(found)-1][1], "|")[1:] {
			n, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(cell), ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, n)
		}
		return values
	}
	price := func(of string) float64 { return numbers(of)[0] }
	alarms := strings.Count(contents(t, "../template.yaml"), "Type: AWS::CloudWatch::Alarm")
	metrics := regexp.MustCompile(`a stack has about (\d+) of them`).FindStringSubmatch(contents(t, "aws.md"))
	if metrics == nil {
		t.Fatal("aws.md does not say how many metrics there are")
	}
	series, _ := strconv.Atoi(metrics[1])
	const seconds, gigabytes, million = 0.2, 0.5, 1e6
	together := []float64{0, 0, 0}
	for column := range together {
		starts := numbers("starts of functions: two")[column]
		for row, want := range map[string]float64{
			"starts of functions": starts / million * price("million starts of functions"),
			"time of functions":   starts * seconds * gigabytes / million * price("million GB-seconds of functions"),
			"requests to SQS":     numbers("requests to SQS: 16")[column] / million * price("million requests to SQS"),
			"writes to DynamoDB":  numbers("writes to DynamoDB: seven")[column] / million * price("million writes to DynamoDB"),
			"reads of DynamoDB, comparisons included": (numbers("reads of DynamoDB: 35")[column] + numbers("read units of the daily comparison")[column]) /
				million * price("million reads of DynamoDB"),
			"requests to the webhook":      numbers("changes")[column] / million * price("million requests to the webhook"),
			"three secrets":                3 * price("secret"),
			fmt.Sprint(alarms, " alarms"):  float64(alarms) * price("alarm"),
			fmt.Sprint(series, " metrics"): float64(series) * price("metric"),
		} {
			together[column] += want
			if got := numbers(row)[column]; fmt.Sprintf("%.2f", got) != fmt.Sprintf("%.2f", want) {
				t.Errorf("%s: %.2f, want %.2f", row, got, want)
			}
		}
		if got := numbers("together")[column]; math.Abs(got-together[column]) > 0.006 {
			t.Errorf("together: %.2f, want %.2f", got, together[column])
		}
	}
}
