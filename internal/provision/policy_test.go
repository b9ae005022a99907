package provision_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"entrawebex/internal/provision"
)

// What is stored, queued and logged of a kind is its name.
func TestAFaultKindIsKeptByItsName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for kind := provision.Throttled; kind.String() != ""; kind++ {
		text, err := json.Marshal(provision.OpenFault{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		var again provision.OpenFault
		if err := json.Unmarshal(text, &again); err != nil || again.Kind != kind {
			t.Errorf("%s became %s, %v", text, again.Kind, err)
		}
		if parsed, ok := provision.ParseFaultKind(kind.String()); !ok || parsed != kind || seen[kind.String()] {
			t.Errorf("%s is parsed as %s", kind, parsed)
		}
		if kind.Policy().Code == "" || kind.Policy().Mend == "" {
			t.Errorf("the provisioning log has no code or no mend for %s", kind)
		}
		seen[kind.String()] = true
	}
	for _, name := range []string{"throttled", "transient", "permanent", "unauthorized", "held"} {
		if !seen[name] {
			t.Errorf("there is no %s: records that are stored say it", name)
		}
	}
}

func TestAKindThatOnlyANewerProgramKnowsIsTriedAgain(t *testing.T) {
	t.Parallel()
	var trouble provision.OpenFault
	if err := json.Unmarshal([]byte(`{"kind":"quantum"}`), &trouble); err != nil || trouble.Kind != provision.Transient {
		t.Errorf("%s, %v", trouble.Kind, err)
	}
	if _, ok := provision.ParseFaultKind(""); ok {
		t.Error("no name is a kind")
	}
}

// Each row is a sentence about what is done.
func TestThePolicyOfEachKind(t *testing.T) {
	t.Parallel()
	order := func(k provision.FaultKind) int { return k.Policy().Order }
	for _, test := range []struct {
		name string
		yes  bool
	}{
		{"what is throttled is tried as asked", provision.Throttled.Policy().Retry == provision.AsAsked},
		{"it waits for the side", provision.Throttled.Policy().Retry.Waits()},
		{"and says nothing of the side", provision.Throttled.Policy().Says == provision.Neutral},
		{"what is transient is tried for a day", provision.Transient.Policy().Retry == provision.Backoff},
		{"and may be the side's", provision.Transient.Policy().Says == provision.Fails},
		{"and is the object's to wait for", !provision.Transient.Policy().Retry.Waits()},
		{"what is permanent is a dead letter at once", provision.Permanent.Policy().Letter && provision.Permanent.Policy().Retry == provision.Never},
		{"what is refused for the credentials is tried as long as it takes", provision.Unauthorized.Policy().Retry == provision.BackoffForever},
		{"it waits for the side, too", provision.Unauthorized.Policy().Retry.Waits()},
		{"and is the side's", provision.Unauthorized.Policy().Says == provision.Refuses},
		{"what is held waits for a person, and is no dead letter", !provision.Held.Policy().Letter && provision.Held.Policy().Retry == provision.Never},
		{"who waits for a person waits for no side", !provision.Held.Policy().Retry.Waits() && !provision.Permanent.Policy().Retry.Waits()},
		{"what is held is a hold", provision.Held.Policy().Hold},
		{"no other is", !provision.Throttled.Policy().Hold && !provision.Transient.Policy().Hold && !provision.Permanent.Policy().Hold && !provision.Unauthorized.Policy().Hold},
		{"what is throttled or transient passes by itself", provision.Throttled.Policy().Passes && provision.Transient.Policy().Passes},
		{"no other does", !provision.Permanent.Policy().Passes && !provision.Unauthorized.Policy().Passes && !provision.Held.Policy().Passes},
		{"a person looks first at what is permanent, then at credentials, then at what is transient", order(provision.Permanent) < order(provision.Unauthorized) &&
			order(provision.Unauthorized) < order(provision.Transient) && order(provision.Transient) < min(order(provision.Throttled), order(provision.Held))},
		{"what is held is a warning, since its hold has an alarm", provision.Held.Policy().Severity == slog.LevelWarn},
		{"no other is less than an error", min(provision.Throttled.Policy().Severity, provision.Transient.Policy().Severity,
			provision.Permanent.Policy().Severity, provision.Unauthorized.Policy().Severity) == slog.LevelError},
		{"no other is a dead letter", !provision.Throttled.Policy().Letter && !provision.Transient.Policy().Letter && !provision.Unauthorized.Policy().Letter},
	} {
		if !test.yes {
			t.Error(test.name)
		}
	}
}

func TestAnAnswerIsAFaultWhereNobodyExpectsIt(t *testing.T) {
	t.Parallel()
	for answer, want := range map[provision.AnswerKind]provision.Fault{
		provision.Gone:     {Kind: provision.Transient, Code: provision.NotThere},
		provision.Exists:   {Kind: provision.Transient, Code: provision.Conflict},
		provision.NoTarget: {Kind: provision.Permanent},
	} {
		f := provision.Answered(answer, "404", nil)
		if f.Kind != want.Kind || f.Code != want.Code || !answer.Is(f) || f.Label() != string(answer) {
			t.Errorf("%s: %+v", answer, f)
		}
	}
}
