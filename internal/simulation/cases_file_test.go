package simulation_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/sandbox/graph"
)

// fieldCase is a situation that was seen in the field, or one of its kind: what
// there is at the start, what goes wrong on the wire, what happens, and what is
// to come of it. testdata/cases/README.md tells of the fields.
type fieldCase struct {
	Source   string            `json:"source"`
	Right    string            `json:"right"`
	Settings map[string]string `json:"settings"`
	Entra    entraStart        `json:"entra"`
	Webex    webexStart        `json:"webex"`
	// New says that the system has never run when the story begins. Else it has
	// compared everything and is at rest.
	New   bool        `json:"new"`
	Wire  []*wireRule `json:"wire"`
	Story []step      `json:"story"`
	// Run is how long it runs after the story.
	Run  span `json:"run"`
	Want want `json:"want"`
}

// entraStart is the tenant at the start. Users and groups have names, which are
// the file's own.
type entraStart struct {
	Users    map[string]graph.User `json:"users"`
	Crowd    int                   `json:"crowd"` // user001, user002 …
	Groups   map[string]entraGroup `json:"groups"`
	Binned   []string              `json:"binned"`
	Assigned []string              `json:"assigned"`
}

type entraGroup struct {
	Properties graph.Group `json:"properties"`
	Members    []string    `json:"members"`
}

// webexStart is what is in Webex before anything was synchronized.
type webexStart struct {
	Users  map[string]map[string]any `json:"users"`
	Groups map[string]webexGroup     `json:"groups"`
	// Elsewhere are userNames of other organizations.
	Elsewhere []string `json:"elsewhere"`
}

type webexGroup struct {
	Attributes map[string]any `json:"attributes"`
	Members    []string       `json:"members"`
}

// step is something that happens, that long after the story began or as soon as
// the step before it is done.
type step struct {
	At span `json:"at"`
	// Do is a verb of verbs(), Who its object, Set the properties that it gives,
	// With the members.
	Do   string         `json:"do"`
	Who  string         `json:"who"`
	Set  map[string]any `json:"set"`
	With []string       `json:"with"`
	// Method, Path and Body are those of a call to Webex by hand.
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
	// Times and Every are how often Steps are repeated.
	Times int    `json:"times"`
	Every span   `json:"every"`
	Steps []step `json:"steps"`
	// Want is what holds at that moment.
	Want *want `json:"want"`
}

// span is a time.Duration as text: 1h30m.
type span time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (s *span) UnmarshalJSON(data []byte) error {
	d, err := time.ParseDuration(strings.Trim(string(data), `"`))
	*s = span(d)
	return err
}

// want is what is to be so at a moment.
type want struct {
	// Differs says that Webex is not what Entra says, by the sandbox's
	// comparison, and is not to be.
	Differs bool `json:"differs"`
	// Pending lets what is deleted for good still be there.
	Pending bool `json:"pending"`
	// Accounts are those of Webex by the name of the user in Entra or of the
	// account at the start: what is named is as it is here; null if there is none.
	Accounts map[string]map[string]any `json:"accounts"`
	Groups   map[string]*wantedGroup   `json:"groups"`
	// Count is how many accounts there are, Inactive how many of them are not
	// active; not looked at if zero.
	Count    int `json:"count"`
	Inactive int `json:"inactive"`
	// Well is what the last line of status says, Attention what it needs a person
	// for, Status what else stands in it.
	Well      *bool    `json:"well"`
	Attention []string `json:"attention"`
	Status    []string `json:"status"`
	// Letters are what the reasons of the dead letters hold, one each.
	Letters []string `json:"letters"`
	// Paused are the sides that are.
	Paused []string     `json:"paused"`
	Calls  []wantedCall `json:"calls"`
	// Log is what stands in lines of the log, Silent what does not.
	Log    []string `json:"log"`
	Silent []string `json:"silent"`
}

type wantedGroup struct {
	Attributes map[string]any `json:"attributes"`
	// Members are the names of all of them; not looked at if nil.
	Members []string `json:"members"`
	// Size is how many there are; not looked at if zero.
	Size int `json:"size"`
}

// wantedCall says how many calls of a kind there were. A request in a $batch or
// an operation of a Bulk is one of them, by itself.
type wantedCall struct {
	question

	// Since is a mark of the story, Until another.
	Since  string `json:"since"`
	Until  string `json:"until"`
	Status int    `json:"status"`
	Least  int    `json:"least"`
	Most   int    `json:"most"`
}

func readCase(t testing.TB, path string) *fieldCase {
	t.Helper()
	data := try(os.ReadFile(path))(t)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	c := &fieldCase{}
	if err := decoder.Decode(c); err != nil {
		t.Fatal(err)
	}
	if c.Source == "" || c.Right == "" || c.Run == 0 {
		t.Fatal("a case has a source, says what is right, and runs for some time")
	}
	return c
}
