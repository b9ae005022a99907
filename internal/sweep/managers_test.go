package sweep

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

const manages = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

func managerRules(t *testing.T, line string) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse([]byte(`version: 1
users:
  mappings:
    - { target: userName, source: userPrincipalName, matching: 1 }
    - { target: externalId, source: objectId }
    - { target: active, expression: "Not([IsSoftDeleted])" }
` + line + `groups:
  mappings:
    - { target: displayName, source: displayName, matching: 1 }
    - { target: externalId, source: objectId }
`))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func mappedManager(t *testing.T) mapping.Rules {
	t.Helper()
	return managerRules(t, "    - { target: '"+manages+"', source: manager, whenNull: clear }\n")
}

// managed is a side on which Ada's manager in Entra, in what was written and in Webex is
// what is given, by the accounts of the latter two, and Bob has none. Of nil it is not
// shown.
func managed(rules mapping.Rules, entra, written, webex map[string]any) *side {
	s := &side{}
	for _, id := range []string{ada, bob} {
		attributes := map[string]any{"id": id, "userPrincipalName": id + "@contoso.example", "accountEnabled": true}
		values := map[string]any{"userName": id + "@contoso.example", "externalId": id, "active": true}
		shown := maps.Clone(values)
		if id == ada {
			maps.Copy(attributes, entra)
			maps.Copy(values, written)
			maps.Copy(shown, webex)
		}
		o := change.Object{Kind: change.User, ID: id}
		s.entra = append(s.entra, reconcile.Object{Object: o, Attributes: attributes})
		s.users = append(s.users, provision.Resource{ID: "w-" + id, Attributes: rules.Users.Resource(shown)})
		s.records = append(s.records, provision.Record{Object: o, WebexID: "w-" + id, LastWritten: values})
	}
	return s
}

func TestAWrongManagerIsFoundByTheLists(t *testing.T) {
	t.Parallel()
	rules := mappedManager(t)
	account := func(id string) map[string]any { return map[string]any{manages: id} }
	is := func(id any) map[string]any { return map[string]any{"manager": id} }
	for name, tt := range map[string]struct {
		entra, written, webex map[string]any
		class                 Class
		handed, queued        []string
	}{
		"the same":                        {is(bob), account("w-" + bob), account("w-" + bob), InSync, nil, nil},
		"another is written":              {is(bob), account("w-0"), account("w-0"), Behind, []string{ada + " afresh false"}, nil},
		"none is written":                 {is(bob), nil, nil, Behind, []string{ada + " afresh false"}, nil},
		"Webex has another":               {is(bob), account("w-" + bob), account("w-0"), Drifted, []string{ada + " afresh true"}, nil},
		"one who has no account":          {is(sales), account("w-0"), account("w-0"), Behind, []string{ada + " afresh false"}, nil},
		"one who never had one":           {is(sales), nil, nil, InSync, nil, nil},
		"none any more":                   {is(nil), account("w-" + bob), account("w-" + bob), Behind, []string{ada + " afresh false"}, nil},
		"what is written and not shown":   {nil, account("w-" + bob), account("w-" + bob), Behind, nil, []string{ada + " afresh false"}},
		"what was never written nor seen": {nil, nil, nil, InSync, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := managed(rules, tt.entra, tt.written, tt.webex)
			s.entra[1].Attributes["manager"] = nil // the list does show who manages
			job := s.job(t, true)
			job.Mapping = rules
			result, err := job.Run(t.Context())
			classes := map[Class]int{InSync: 1}
			classes[tt.class]++
			for class := range result.Classes {
				if result.Classes[class] == 0 {
					delete(result.Classes, class)
				}
			}
			if diff := cmp.Diff(classes, result.Classes); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if !slices.Equal(s.handed, tt.handed) || !slices.Equal(s.queued, tt.queued) {
				t.Errorf("handed %v, queued %v", s.handed, s.queued)
			}
			if diff := cmp.Diff(tt.entra["manager"], s.entra[0].Attributes["manager"]); diff != "" {
				t.Errorf("the page has changed: %s", diff)
			}
		})
	}
}

func TestWhereTheListShowsNobodysManagerAllAreLookedAt(t *testing.T) {
	t.Parallel()
	rules, without := mappedManager(t), managerRules(t, "")
	all := []string{ada + " afresh false", bob + " afresh false"}
	for name, tt := range map[string]struct {
		mapping mapping.Rules
		former  *Former
		queued  []string
	}{
		"managers are mapped":                         {rules, nil, all},
		"they are not":                                {without, nil, nil},
		"they are from now on":                        {rules, &Former{Mapping: without}, all},
		"they were before, and something else is not": {rules, &Former{Mapping: rules}, nil},
	} {
		s := managed(tt.mapping, nil, nil, nil)
		job := s.job(t, true)
		job.Mapping, job.Former = tt.mapping, tt.former
		if _, err := job.Run(t.Context()); err != nil || !slices.Equal(s.queued, tt.queued) {
			t.Errorf("%s: queued %v, %v", name, s.queued, err)
		}
	}
}
