package mapping_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"entrawebex/internal/mapping"
)

// Each case is how a title is mapped, and the title at the second look, half a year
// after the first at noon of 2026-03-02, with what Entra has changed meanwhile.
func TestAValueMadeOfThePresentTimeStaysWhileWhatIsReadDoes(t *testing.T) {
	t.Parallel()
	const half = 183 * 24 * time.Hour
	for _, test := range []struct {
		name, line string
		changes    map[string]any
		want       string
	}{
		{"nothing", `expression: 'Now()'`, nil, "3/2/2026 12:00:00 PM"},
		{"what it does not read", `expression: 'Now()'`, map[string]any{"surname": "King"}, "3/2/2026 12:00:00 PM"},
		{"what it reads", `expression: 'Append([department], Now())'`, map[string]any{"department": "Support"}, "Support9/1/2026 12:00:00 PM"},
		{"nothing that it reads", `expression: 'Append([department], Now())'`, nil, "Sales3/2/2026 12:00:00 PM"},
		{"nothing, of a year", `expression: 'FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM")'`, nil, "2026-03"},
		{"nothing, of days", `expression: 'DateDiff("d", CDate("2026-03-01"), Now())'`, nil, "1"},
		{"nothing, of a later day", `expression: 'DateAdd("d", 1, Now())'`, nil, "3/3/2026 12:00:00 PM"},
		{"nothing, of what is chosen", `expression: 'IIF(IsPresent([department]), Now(), "none")'`, nil, "3/2/2026 12:00:00 PM"},
		// What only follows from a comparison with the time has to come when it is due.
		{"nothing, of what a date decides", `expression: 'IIF(DateDiff("d", Now(), CDate("2026-06-01")) > 5, "soon", "now")'`, nil, "now"},
		{"nothing, of whether a day has passed", `expression: 'IIF(CBool(DateDiff("d", CDate("2026-03-02"), Now())), "later", "today")'`, nil, "later"},
		{"nothing, of what a date decides within", `expression: 'Switch("1", , "1", IIF(DateDiff("d", Now(), CDate("2026-06-01")) > 5, "soon", "now"))'`, nil, "now"},
		{"nothing, of what is switched by a date", `expression: 'Switch(FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM"), "soon", "2026-09", "now")'`, nil, "now"},
		{"nothing, of what is switched to a date", `expression: 'Switch("2026-09", "soon", FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM"), "now")'`, nil, "now"},
		{"nothing, of a default", `expression: 'Switch("1", Now(), "2", "now")'`, nil, "3/2/2026 12:00:00 PM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, `{ target: title, `+test.line+` }`)
			noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
			attributes := ada()
			attributes["department"] = "Sales"
			kept := remembered(t, m.Moments(nil, attributes, noon))
			maps.Copy(attributes, test.changes)
			now := noon.Add(half)
			moments := m.Moments(kept, attributes, now)
			told := m.At(moments).Explain(attributes, now).Mappings[0].Update.Value
			values, err := m.At(moments).Map(attributes)
			if err != nil {
				t.Fatal(err)
			}
			if moments == nil { // by the clock of the machine, which is later
				values["title"] = told
			}
			if values["title"] != test.want || told != test.want {
				t.Errorf("the title is %v, and told to be %v, want %v", values["title"], told, test.want)
			}
		})
	}
}

// remembered is what the ledger makes of moments.
func remembered(t *testing.T, moments mapping.Moments) mapping.Moments {
	t.Helper()
	data, err := json.Marshal(moments)
	if err != nil {
		t.Fatal(err)
	}
	var kept mapping.Moments
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestAMappingWithoutThePresentTimeHasNoMoments(t *testing.T) {
	t.Parallel()
	m, attributes, now := defaults(t), ada(), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	if moments := m.Moments(mapping.Moments{"title": {}}, attributes, now); moments != nil {
		t.Error(moments)
	}
}
