package scim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/simhttp"
)

const bulkPath = "/identity/scim/" + orgID + "/v2/Bulk"

func bulkBody(operations ...string) string {
	return `{"schemas":["` + bulkRequestSchema + `"],"operations":[` + strings.Join(operations, ",") + `]}`
}

func bulkUser(name string) string {
	return `{"method":"POST","path":"/Users","bulkId":"` + name + `","data":` + userData(name) + `}`
}

func userData(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + "@" + domain + `","userType":"user"}`
}

func bulkGroup(name, members string) string {
	return `{"method":"POST","path":"/Groups","bulkId":"` + name + `","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `","members":` + members + `}}`
}

// statuses are those of the operations of a Bulk, which the organization must
// take as a whole.
func statuses(t *testing.T, org *Organization, body string) []string {
	t.Helper()
	status, answer := call(t, org, http.MethodPost, bulkPath, body)
	if status != http.StatusOK {
		t.Fatalf("answered %d %v", status, answer)
	}
	var found []string
	for _, operation := range answer["operations"].([]any) {
		found = append(found, at(operation.(map[string]any), "status"))
	}
	return found
}

func TestABulkGoesOnAfterAFailureAndCountsEachOperation(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	ids := addAccounts(t, org, 2)
	group := addGroup(t, org, map[string]any{"displayName": "Sales"}, ids[0])
	org.Calls.Reset()
	got := statuses(t, org, bulkBody(
		bulkUser("u0"), // is taken
		bulkUser("new"),
		`{"method":"PATCH","path":"/Groups/`+group+`","data":`+patchBody(adding(ids[1], "bulkId:new"))+`}`,
		`{"method":"PATCH","path":"/Users/`+ids[0]+`","data":`+patchBody(`{"op":"replace","path":"shoeSize","value":1}`)+`}`,
		`{"method":"DELETE","path":"/Users/`+ids[0]+`"}`,
		`{"method":"DELETE","path":"/Users/`+ids[0]+`"}`,
		`{"method":"PUT","path":"/Users/`+ids[1]+`","data":{}}`,
		bulkGroup("group", "[]"),
		`{"method":"DELETE","path":"/Groups/`+group+`"}`,
	))
	if want := []string{"409", "201", "200", "400", "204", "404", "400", "201", "204"}; !slices.Equal(got, want) {
		t.Errorf("the statuses are %v, want %v", got, want)
	}
	counts := org.Calls.Snapshot()
	want := simhttp.Counts{
		"POST /Bulk": 1, "Bulk refused": 1, "Bulk POST /Users": 2, "Bulk PATCH /Users/{id}": 1, "Bulk DELETE /Users/{id}": 2,
		"Bulk POST /Groups": 1, "Bulk PATCH /Groups/{id}": 1, "Bulk DELETE /Groups/{id}": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" || counts.Writes() != 9 {
		t.Errorf("%d writes, want 9, counts differ (-want +got):\n%s", counts.Writes(), diff)
	}
}

func TestABulkRefersToWhatItMadeBefore(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	got := statuses(t, org, bulkBody(
		bulkGroup("early", memberList("bulkId:ann")), // not made yet
		bulkUser("ann"),
		bulkUser("ann2"),
		bulkGroup("late", memberList("bulkId:ann2", "bulkId:ann")),
		bulkGroup("never", memberList("bulkId:early")),
	))
	if want := []string{"400", "201", "201", "201", "400"}; !slices.Equal(got, want) {
		t.Errorf("the statuses are %v, want %v", got, want)
	}
	for id := range org.Groups() {
		accounts := org.Users()
		var names []string
		for _, member := range org.Members(id) {
			names = append(names, at(accounts[member], "userName"))
		}
		if want := []string{"ann2@" + domain, "ann@" + domain}; !slices.Equal(names, want) {
			t.Errorf("the members are %v, want %v", names, want)
		}
	}
}

func TestABulkEndsAfterAsManyErrorsAsItSays(t *testing.T) {
	t.Parallel()
	gone := `{"method":"DELETE","path":"/Users/11111111-1111-4111-8111-111111111111"}`
	for failOnErrors, want := range map[string][]string{
		`1`:   {"404"},
		`2`:   {"404", "201", "404"},
		`100`: {"404", "201", "404", "201"},
	} {
		org := newOrg(t, Config{})
		body := strings.Replace(bulkBody(gone, bulkUser("a"), gone, bulkUser("b")), `{`, `{"failOnErrors":`+failOnErrors+`,`, 1)
		if got := statuses(t, org, body); !slices.Equal(got, want) {
			t.Errorf("failOnErrors %s: the statuses are %v, want %v", failOnErrors, got, want)
		}
	}
}

func TestABulkHasUpTo100Operations(t *testing.T) {
	t.Parallel()
	var operations []string
	for i := range 101 {
		operations = append(operations, bulkUser(fmt.Sprintf("u%d", i)))
	}
	org := newOrg(t, Config{})
	if status, body := call(t, org, http.MethodPost, bulkPath, bulkBody(operations...)); status != http.StatusBadRequest || len(org.Users()) != 0 {
		t.Errorf("101 answered %d %v, and there are %d accounts", status, body, len(org.Users()))
	}
	if got := statuses(t, org, bulkBody(operations[:100]...)); len(got) != 100 || len(org.Users()) != 100 {
		t.Errorf("100 have %d answers, and there are %d accounts", len(got), len(org.Users()))
	}
}

func TestABulkThatIsNoneIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	for name, body := range map[string]string{
		"no JSON":             `{`,
		"no schemas":          `{"operations":[` + bulkUser("a") + `]}`,
		"other schemas":       strings.Replace(bulkBody(bulkUser("a")), "BulkRequest", "PatchOp", 1),
		"a capital letter":    strings.Replace(bulkBody(bulkUser("a")), `"operations"`, `"Operations"`, 1),
		"no operations":       bulkBody(),
		"failOnErrors of 0":   strings.Replace(bulkBody(bulkUser("a")), `{`, `{"failOnErrors":0,`, 1),
		"failOnErrors of 101": strings.Replace(bulkBody(bulkUser("a")), `{`, `{"failOnErrors":101,`, 1),
		"a body too large":    bulkBody(bulkUser(strings.Repeat("a", simhttp.MaxBody))),
	} {
		if status, answer := call(t, org, http.MethodPost, bulkPath, body); status != http.StatusBadRequest {
			t.Errorf("%s answered %d %v, want 400", name, status, answer)
		}
	}
	if n := len(org.Users()); n != 0 {
		t.Errorf("there are %d accounts", n)
	}
}

func TestAnOperationThatIsNoneIsRefusedAlone(t *testing.T) {
	t.Parallel()
	const path = `"path":"/Users/11111111-1111-4111-8111-111111111111"`
	for name, operation := range map[string]string{
		"another method":           `{"method":"GET",` + path + `}`,
		"a method in small":        `{"method":"delete",` + path + `}`,
		"POST without a bulkId":    `{"method":"POST","path":"/Users","data":` + userData("x") + `}`,
		"POST to a resource":       `{"method":"POST","bulkId":"x",` + path + `,"data":{}}`,
		"POST to Bulk":             `{"method":"POST","bulkId":"x","path":"/Bulk","data":{}}`,
		"POST without data":        `{"method":"POST","bulkId":"x","path":"/Users"}`,
		"PATCH without data":       `{"method":"PATCH",` + path + `,"data":null}`,
		"DELETE of everybody":      `{"method":"DELETE","path":"/Users"}`,
		"DELETE of nobody":         `{"method":"DELETE","path":"/Users/"}`,
		"DELETE of another thing":  `{"method":"DELETE","path":"/Planets/1"}`,
		"DELETE of members":        `{"method":"DELETE","path":"/Groups/1/Members"}`,
		"a bulkId that is in use":  bulkUser("first"),
		"data that is no resource": `{"method":"POST","bulkId":"x","path":"/Users","data":"bulkId:x"}`,
	} {
		org := newOrg(t, Config{})
		got := statuses(t, org, bulkBody(bulkUser("first"), operation, bulkUser("last")))
		if want := []string{"201", "400", "201"}; !slices.Equal(got, want) {
			t.Errorf("%s: the statuses are %v, want %v", name, got, want)
		}
	}
}

func TestTheDataOfAnOperationCanBeAString(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	data := fmt.Sprintf("%q", userData("ann"))
	got := statuses(t, org, bulkBody(`{"method":"POST","path":"/Users","bulkId":"x","data":`+data+`}`))
	if len(org.Users()) != 1 {
		t.Errorf("the statuses are %v", got)
	}
}

func TestAnOrganizationWithoutBulkAnswers501(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{NoBulk: true})
	if status, body := call(t, org, http.MethodPost, bulkPath, bulkBody(bulkUser("a"))); status != http.StatusNotImplemented || len(org.Users()) != 0 {
		t.Errorf("answered %d %v, want 501", status, body)
	}
}

func FuzzBulk(f *testing.F) {
	for _, operations := range []string{
		bulkUser("a"),
		bulkGroup("g", memberList("bulkId:a")),
		`{"method":"PATCH","path":"/Groups/x","data":"{\"Operations\":[]}"}`,
		`{"method":"DELETE","path":"/Users/%2e%2e"}`,
		`{"method":"DELETE","path":"Users"}`,
		`null`,
	} {
		f.Add(bulkBody(operations))
	}
	f.Fuzz(func(t *testing.T, body string) {
		org := newOrg(t, Config{})
		status, answer := call(t, org, http.MethodPost, bulkPath, body)
		if status >= http.StatusInternalServerError {
			t.Errorf("answered %d %v", status, answer)
		}
		operations, _ := answer["operations"].([]any)
		for _, operation := range operations {
			if status := at(operation.(map[string]any), "status"); status >= "5" {
				t.Errorf("%v", operation)
			}
		}
	})
}

func TestABulkIsRefusedForItsLength(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	bulk := func(length int) string {
		const group = `{"schemas":["` + bulkRequestSchema + `"],"operations":[{"method":"POST","path":"/Groups","bulkId":"a",` +
			`"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"G"}}]}`
		return group + strings.Repeat(" ", length-len(group))
	}
	for length, want := range map[int]int{maxBulkBytes: http.StatusOK, maxBulkBytes + 1: http.StatusBadRequest} {
		if status, _ := call(t, org, http.MethodPost, bulkPath, bulk(length)); status != want {
			t.Errorf("%d bytes answered %d, want %d", length, status, want)
		}
	}
}

func TestAGroupWithTooManyMembersIsRefusedWithinABulkToo(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{})
	ids := addAccounts(t, org, 501)
	operation := func(n int) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":"g%d","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"G","members":%s}}`,
			n, memberList(ids[:n]...))
	}
	status, body := call(t, org, http.MethodPost, bulkPath,
		`{"schemas":["`+bulkRequestSchema+`"],"operations":[`+operation(500)+`,`+operation(501)+`]}`)
	var got []any
	operations, _ := body["operations"].([]any)
	for _, o := range operations {
		got = append(got, o.(map[string]any)["status"])
	}
	if diff := cmp.Diff([]any{"201", "400"}, got); status != http.StatusOK || diff != "" || len(org.Groups()) != 1 {
		t.Errorf("answered %d, %d groups\n%s", status, len(org.Groups()), diff)
	}
}
