package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"entrawebex/internal/ledger"
)

const (
	contoso  = "0c1c0a5e-0000-4000-8000-00000000000a"
	fabrikam = "0c1c0a5e-0000-4000-8000-00000000000b"
)

func TestBind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tenant, org string
		refused     bool
	}{
		"the same tenant and org are welcome again":   {tenant: contoso, org: "Org1"},
		"the letter case of a tenant id says nothing": {tenant: strings.ToUpper(contoso), org: "Org1"},
		"another tenant is refused":                   {tenant: fabrikam, org: "Org1", refused: true},
		"another org is refused":                      {tenant: contoso, org: "Org2", refused: true},
		"an org id in another letter case is another": {tenant: contoso, org: "org1", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openBolt(t)
			if err := ledger.Bind(t.Context(), h, contoso, "Org1", ""); err != nil {
				t.Fatal(err)
			}
			err := ledger.Bind(t.Context(), h, test.tenant, test.org, "")
			if !test.refused {
				if err != nil {
					t.Errorf("Bind: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("Bind succeeded; want a refusal")
			}
			for _, id := range []string{contoso, "Org1", test.tenant, test.org} {
				if !strings.Contains(err.Error(), id) {
					t.Errorf("%q does not name %s", err, id)
				}
			}
			if err := ledger.Bind(t.Context(), h, contoso, "Org1", ""); err != nil {
				t.Errorf("Bind after a refusal: %v", err)
			}
		})
	}
}

func TestCheckingABindingBindsNobodyAndRefusesOthers(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	if err := ledger.CheckBinding(t.Context(), h, contoso, "Org1"); err != nil {
		t.Errorf("a ledger that is nobody's: %v", err)
	}
	if err := ledger.Bind(t.Context(), h, contoso, "Org2", ""); err != nil {
		t.Errorf("it was bound: %v", err)
	}
	if err := ledger.CheckBinding(t.Context(), h, contoso, "Org2"); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := ledger.CheckBinding(t.Context(), h, contoso, "Org1"); err == nil {
		t.Error("another's: no error")
	}
}

// A later program keeps more in the binding, which is written by one that does not
// know it only where it may.
func TestALedgerOfALaterVersionIsRefusedAndStays(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	const later = `{"tenantId":"` + contoso + `","orgId":"Org1","schema":2,"more":1}`
	mustPut(t, h, "binding", later, 0)
	for _, err := range []error{
		ledger.Bind(t.Context(), h, contoso, "Org1", ""),
		ledger.CheckBinding(t.Context(), h, contoso, "Org1"),
	} {
		if err == nil || !strings.Contains(err.Error(), "later version of entrawebex (schema 2; this version reads 1)") {
			t.Errorf("error %v", err)
		}
	}
	data, version, err := h.Document(t.Context(), "binding")
	wantError(t, err, nil)
	wantEqual(t, string(data), later)
	wantEqual(t, version, 1)
}

func TestALedgerFromBeforeItsSchemaWasNotedIsWelcome(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	mustPut(t, h, "binding", `{"tenantId":"`+contoso+`","orgId":"Org1"}`, 0)
	wantError(t, ledger.Bind(t.Context(), h, contoso, "Org1", ""), nil)
}

// A pause that is said today is not in a table of yesterday.
func TestALedgerThatIsRestoredAsAnotherTableStartsForTheFirstTime(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	for _, test := range []struct {
		table string
		want  bool
	}{{"ledger", true}, {"ledger", false}, {"ledger-restored", true}, {"ledger-restored", false}} {
		first, err := ledger.FirstStart(t.Context(), h, contoso, "Org1", test.table)
		wantError(t, err, nil)
		wantEqual(t, first, test.want)
		wantError(t, ledger.Bind(t.Context(), h, contoso, "Org1", test.table), nil)
	}
	if _, err := ledger.FirstStart(t.Context(), h, fabrikam, "Org1", "another"); err == nil {
		t.Error("it may start for another tenant")
	}
}

// Of which table a ledger from before that was noted is, nobody knows: it goes on.
func TestALedgerFromBeforeItsTableWasNotedGoesOn(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	wantError(t, ledger.Bind(t.Context(), h, contoso, "Org1", ""), nil)
	for _, table := range []string{"ledger", "ledger"} {
		first, err := ledger.FirstStart(t.Context(), h, contoso, "Org1", table)
		wantError(t, err, nil)
		wantEqual(t, first, false)
		wantError(t, ledger.Bind(t.Context(), h, contoso, "Org1", table), nil)
	}
}

func TestBindOfManyAtOnceBindsToOne(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	errs := together(20, func(i int) error {
		return ledger.Bind(t.Context(), h, contoso, fmt.Sprintf("Org%d", i), "")
	})
	bound := 0
	for _, err := range errs {
		if err == nil {
			bound++
		}
	}
	wantEqual(t, bound, 1)
}

func TestBindRefusesABindingItCannotRead(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	mustPut(t, h, "binding", "{", 0)
	if err := ledger.Bind(t.Context(), h, contoso, "Org1", ""); err == nil {
		t.Error("Bind succeeded; want an error")
	}
}
