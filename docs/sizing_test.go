package docs_test

import (
	"fmt"
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
