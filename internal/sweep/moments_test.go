package sweep

import (
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

// Each case is the job title that Entra has a day after what was written, which was made
// of that before and of the time then.
func TestAValueMadeOfThePresentTimeIsInSyncWhileWhatIsReadStays(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse([]byte(`version: 1
users:
  mappings:
    - { target: userName, source: userPrincipalName, matching: 1 }
    - { target: externalId, source: objectId }
    - { target: active, expression: "Not([IsSoftDeleted])" }
    - { target: title, expression: 'Append([jobTitle], Now())' }
groups:
  mappings:
    - { target: displayName, source: displayName, matching: 1 }
    - { target: externalId, source: objectId }
`))
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]Class{"Boss ": InSync, "Chief ": Behind} {
		for _, former := range []*Former{nil, {Mapping: mapping.Rules{Groups: rules.Groups}}} {
			attributes := map[string]any{"id": ada, "userPrincipalName": "ada@contoso.example", "accountEnabled": true, "jobTitle": "Boss ", "IsSoftDeleted": false}
			written := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			moments := rules.Users.Moments(nil, attributes, written)
			values, err := rules.Users.At(moments).Map(attributes)
			if err != nil {
				t.Fatal(err)
			}
			delete(attributes, "IsSoftDeleted")
			attributes["jobTitle"] = title
			o := change.Object{Kind: change.User, ID: ada}
			s := &side{
				entra:   []reconcile.Object{{Object: o, Attributes: attributes}},
				users:   []provision.Resource{{ID: "webex", Attributes: rules.Users.Resource(values)}},
				records: []provision.Record{{Object: o, WebexID: "webex", LastWritten: values, Moments: moments}},
			}
			job := s.job(t, false)
			job.Mapping, job.Former, job.Now = rules, former, func() time.Time { return written.Add(24 * time.Hour) }
			result, err := job.Run(t.Context())
			if err != nil || result.Classes[want] != 1 {
				t.Errorf("with the title %q, after another configuration %t: %v, %v", title, former != nil, result.Classes, err)
			}
		}
	}
}
