package mapping_test

import (
	"testing"

	"entrawebex/internal/mapping"
)

// What is for creation alone may be somebody else's by now, and stays.
func TestWhatTheLinesThatGoHaveWrittenIsTakenAway(t *testing.T) {
	t.Parallel()
	former, err := mapping.Parse([]byte(fileWith("{ target: title, source: jobTitle }", "{ target: nickName, source: mailNickname, apply: creation }")))
	if err != nil {
		t.Fatal(err)
	}
	users := rules(t).Clearing(former).Users
	values, err := users.Map(ada())
	title, named := values["title"]
	_, alsoNamed := values["nickName"]
	if err != nil || !named || title != nil || alsoNamed {
		t.Errorf("%v, %v", values, err)
	}
	if created, err := users.MapNew(ada()); err != nil || created["title"] != nil {
		t.Errorf("%v, %v", created, err)
	}
	for name, test := range map[string]struct {
		written map[string]any
		want    bool
	}{
		"what goes":              {map[string]any{"title": "Boss"}, true},
		"what is gone":           {map[string]any{"title": nil}, false},
		"what stays":             {map[string]any{"displayName": "Ada"}, false},
		"what is for creation":   {map[string]any{"nickName": "ada"}, false},
		"what was never written": {nil, false},
		"what goes beside that":  {map[string]any{"displayName": "Ada", "title": "Boss"}, true},
	} {
		if got := users.Withdraws(users.Print(test.written)); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
