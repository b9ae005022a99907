package entra_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/entra"
)

func TestAnObjectInAFileIsRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, fault string
		want              entra.Shown
	}{
		{
			"a user, as Graph says", `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users/$entity","id":"1","mail":null}`, "",
			entra.Shown{Kind: change.User, Attributes: map[string]any{"id": "1", "mail": nil}},
		},
		{
			"a group, as its type says", `{"@odata.type":"#microsoft.graph.group","displayName":"All"}`, "",
			entra.Shown{Kind: change.Group, Attributes: map[string]any{"displayName": "All"}},
		},
		{
			"a user, by an attribute", `{"accountEnabled":false,"deletedDateTime":"2026-01-01T00:00:00Z"}`, "",
			entra.Shown{Kind: change.User, SoftDeleted: true, Attributes: map[string]any{"accountEnabled": false, "deletedDateTime": "2026-01-01T00:00:00Z"}},
		},
		{
			"a group, by an attribute", `{"securityEnabled":true,"deletedDateTime":null}`, "",
			entra.Shown{Kind: change.Group, Attributes: map[string]any{"securityEnabled": true, "deletedDateTime": nil}},
		},
		{
			"a user with the manager, as $expand shows it", `{"accountEnabled":true,"manager":{"@odata.type":"#microsoft.graph.user","id":"2"}}`, "",
			entra.Shown{Kind: change.User, Attributes: map[string]any{"accountEnabled": true, "manager": "2"}},
		},
		{
			"a user, as PowerShell writes a file", "\xff\xfe" + strings.Join(strings.Split(`{"accountEnabled":true}`, ""), "\x00") + "\x00", "",
			entra.Shown{Kind: change.User, Attributes: map[string]any{"accountEnabled": true}},
		},
		{
			"a group, behind a byte order mark", "\ufeff" + `{"securityEnabled":true}`, "",
			entra.Shown{Kind: change.Group, Attributes: map[string]any{"securityEnabled": true}},
		},
		{"a device", `{"@odata.type":"#microsoft.graph.device","accountEnabled":true}`, "neither a user nor a group", entra.Shown{}},
		{"a list", `{"value":[{"accountEnabled":true}]}`, "one object alone", entra.Shown{}},
		{"null", `null`, "one object alone", entra.Shown{}},
		{"two", `{"accountEnabled":true}{}`, "more in it than one JSON object", entra.Shown{}},
		{"none", `[]`, "no JSON object", entra.Shown{}},
		{"too much", `{"accountEnabled":true}` + strings.Repeat(" ", entra.MaxObject), "more than 1048576 bytes", entra.Shown{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := entra.Decode(strings.NewReader(test.text))
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("%+v, %v; want %q", got, err, test.fault)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"@odata.type":"#microsoft.graph.user","id":"1","businessPhones":["+1"],"deletedDateTime":7}`)
	f.Add(`{"@odata.context":null,"securityEnabled":{}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := entra.Decode(strings.NewReader(text))
		if (err == nil) != (got.Attributes != nil) || err == nil && got.Kind != change.User && got.Kind != change.Group {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
