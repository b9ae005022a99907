package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/webex"
)

// What the engine relies on of Webex holds of the adapter on the simulated
// organization, of a dry run over it, and of the organization that the tests of the
// engine are played with.
func TestTargetsKeepTheirPromises(t *testing.T) {
	t.Parallel()
	const dry = "a dry run"
	for name, open := range map[string]func(t *testing.T) provision.Target{
		"Webex": func(t *testing.T) provision.Target { return simulated(t) },
		dry:     dryRun,
		"the tests of the engine": func(*testing.T) provision.Target {
			return &org{accounts: map[string]map[string]any{}, groups: map[string]map[string]any{}, members: map[string][]string{}}
		},
	} {
		for _, promise := range promises() {
			if promise.real && name == dry {
				continue
			}
			t.Run(name+"/"+promise.says, func(t *testing.T) {
				t.Parallel()
				promise.test(&targeted{Target: open(t), t: t})
			})
		}
	}
}

func simulated(t *testing.T) *webex.Client {
	t.Helper()
	const orgID, host = "3b2a1c00-7d4e-4bbb-8ccc-1234567890ab", "webex.example"
	organization, err := scim.New(scim.Config{ID: orgID, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := webex.New(webex.Config{
		URL: "http://" + host + "/identity/scim/" + orgID + "/v2", Transport: simhttp.Network{host: organization},
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func dryRun(t *testing.T) provision.Target {
	t.Helper()
	return provision.NewDryRunTarget(simulated(t), numberedRules(t))
}

// numberedRules match users by a number, too.
func numberedRules(t *testing.T) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: '"+number+"', source: employeeId, matching: 2 }\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	number     = enterprise + ":employeeNumber"
)

// matched are the ids of who has the number.
func (o *targeted) matched(value string) []string {
	o.t.Helper()
	found, err := o.Matching(o.t.Context(), numberedRules(o.t).Users.Criteria(map[string]any{number: value})[0])
	if err != nil {
		o.t.Fatal(err)
	}
	ids := []string{}
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// numbered is the creation of a user with that number.
func numbered(name, value string) provision.Operation {
	op := aUser(name)
	op.Resource[enterprise] = map[string]any{"employeeNumber": value}
	return op
}

// promise is one of a target's.
type promise struct {
	says string
	test func(o *targeted)
	// real says that a dry run does not give it: it asks nobody about members, of whom
	// there may be 50,000.
	real bool
}

// targeted is a target in a test.
type targeted struct {
	provision.Target

	t *testing.T
}

// write carries out one operation.
func (o *targeted) write(op provision.Operation) provision.Answer {
	o.t.Helper()
	answers := o.Apply(o.t.Context(), []provision.Operation{op})
	if len(answers) != 1 {
		o.t.Fatalf("%d answers to one operation", len(answers))
	}
	return answers[0]
}

// aUser is the creation of one, with that name.
func aUser(name string) provision.Operation {
	return provision.Operation{Object: change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}, Resource: map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "displayName": "Somebody", "active": true,
		"emails": []any{map[string]any{"type": "work", "value": name, "primary": true}},
	}}
}

func aGroup(name string, members ...string) provision.Operation {
	resource := map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name}
	if len(members) > 0 {
		var list []any
		for _, id := range members {
			list = append(list, map[string]any{"value": id, "type": "user"})
		}
		resource["members"] = list
	}
	return provision.Operation{Object: change.Object{Kind: change.Group, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"}, Resource: resource}
}

// made carries out a creation and returns the id.
func (o *targeted) made(op provision.Operation) string {
	o.t.Helper()
	a := o.write(op)
	if a.Err != nil || a.ID == "" {
		o.t.Fatalf("id %q, %v", a.ID, a.Err)
	}
	return a.ID
}

func (o *targeted) is(err error, want provision.AnswerKind) {
	o.t.Helper()
	if !want.Is(err) {
		o.t.Errorf("%v, want %v", err, want)
	}
}

func (o *targeted) named(kind change.Kind, name string) []string {
	o.t.Helper()
	found, err := o.Named(o.t.Context(), kind, name)
	if err != nil {
		o.t.Fatal(err)
	}
	ids := []string{}
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

func (o *targeted) members(id string) []string {
	o.t.Helper()
	var all []string
	err := o.Members(o.t.Context(), id, func(ids []string) error {
		all = append(all, ids...)
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func sorted(ids ...string) []string { return slices.Sorted(slices.Values(ids)) }

func replacing(op provision.Operation, id, path string, value any) provision.Operation {
	return provision.Operation{Object: op.Object, ID: id, Patch: []mapping.PatchOperation{{Op: "replace", Path: path, Value: value}}}
}

// Whom the promises are about, and who is not there.
const (
	name   = "ada@example.com"
	nobody = "6f1d2c3b-0000-4000-8000-000000000001"
)

func promises() []promise {
	return slices.Concat(promisesOfNames(), promisesOfWrites(), promisesOfGroups())
}

func foundByItsAddress(o *targeted) {
	o.t.Helper()
	id := o.made(aUser(name))
	found, err := o.Addressed(o.t.Context(), name)
	if err != nil || len(found) != 1 || found[0].ID != id {
		o.t.Errorf("by its address %+v, %v", found, err)
	}
	const another = "another@example.com"
	if a := o.write(provision.Operation{Object: aUser(name).Object, ID: id, Patch: []mapping.PatchOperation{
		{Op: "replace", Path: "userName", Value: another},
		{Op: "replace", Path: `emails[type eq "work"].value`, Value: another},
	}}); a.Err != nil {
		o.t.Fatal(a.Err)
	}
	for address, want := range map[string]int{name: 0, another: 1} {
		if found, err := o.Addressed(o.t.Context(), address); err != nil || len(found) != want {
			o.t.Errorf("by %s then %+v, %v", address, found, err)
		}
	}
}

func promisesOfNames() []promise {
	return []promise{
		{says: "what is not there is gone, and named by nobody", test: func(o *targeted) {
			_, err := o.Read(o.t.Context(), change.User, nobody)
			o.is(err, provision.Gone)
			if ids := o.named(change.User, name); len(ids) > 0 {
				o.t.Errorf("found %v", ids)
			}
			o.is(o.write(replacing(aUser(name), nobody, "displayName", "X")).Err, provision.Gone)
			o.is(o.write(provision.Operation{Object: aUser(name).Object, ID: nobody, Delete: true}).Err, provision.Gone)
		}},
		{says: "what is created is found by its id, and its name in any case", test: func(o *targeted) {
			id := o.made(aUser(name))
			r, err := o.Read(o.t.Context(), change.User, id)
			if err != nil || r.ID != id || r.Attributes["userName"] != name {
				o.t.Errorf("%+v, %v", r, err)
			}
			if ids := o.named(change.User, strings.ToUpper(name)); !slices.Equal(ids, []string{id}) {
				o.t.Errorf("found %v, want %s", ids, id)
			}
		}},
		{says: "what is created is found by its address, and no more once it has another", test: foundByItsAddress},
		{says: "whoever has the value of an attribute is found by it, whatever its characters", test: func(o *targeted) {
			for i, value := range []string{"4711", `4"7\11`, "o'Brien & Söhne + 1", "(a) or b"} {
				id := o.made(numbered(fmt.Sprintf("user%d@example.com", i), value))
				if ids := o.matched(strings.ToUpper(value)); !slices.Equal(ids, []string{id}) {
					o.t.Errorf("by %s found %v, want %s", value, ids, id)
				}
			}
			if ids := o.matched("471"); len(ids) > 0 {
				o.t.Errorf("found %v by a part of the value", ids)
			}
		}},
		{says: "two who have it are both found, and each no more once it has another or is gone", test: func(o *targeted) {
			ada, bob := o.made(numbered(name, "1")), o.made(numbered("bob@example.com", "1"))
			if ids := o.matched("1"); !slices.Equal(ids, sorted(ada, bob)) {
				o.t.Errorf("found %v, want both", ids)
			}
			if a := o.write(replacing(aUser(name), ada, number, "2")); a.Err != nil {
				o.t.Fatal(a.Err)
			}
			if one, two := o.matched("1"), o.matched("2"); !slices.Equal(one, []string{bob}) || !slices.Equal(two, []string{ada}) {
				o.t.Errorf("found %v and %v, want %s and %s", one, two, bob, ada)
			}
			o.write(provision.Operation{Object: aUser(name).Object, ID: bob, Delete: true})
			if ids := o.matched("1"); len(ids) > 0 {
				o.t.Errorf("found %v, who is gone", ids)
			}
		}},
		{says: "a name is had by one", test: func(o *targeted) {
			o.made(aUser(name))
			o.is(o.write(aUser(strings.ToUpper(name))).Err, provision.Exists)
			other := o.made(aUser("bob@example.com"))
			rename := replacing(aUser(name), other, "userName", name)
			rename.Patch = append(rename.Patch, mapping.PatchOperation{Op: "replace", Path: `emails[type eq "work"].value`, Value: name})
			o.is(o.write(rename).Err, provision.Exists)
		}},
	}
}

func promisesOfWrites() []promise {
	return []promise{
		{says: "what is written is read", test: func(o *targeted) {
			id := o.made(aUser(name))
			if a := o.write(replacing(aUser(name), id, "displayName", "Ada L")); a.Err != nil {
				o.t.Fatal(a.Err)
			}
			r, err := o.Read(o.t.Context(), change.User, id)
			if err != nil || r.Attributes["displayName"] != "Ada L" {
				o.t.Errorf("%+v, %v", r, err)
			}
		}},
		{says: "what is deleted is gone", test: func(o *targeted) {
			id := o.made(aUser(name))
			remove := provision.Operation{Object: aUser(name).Object, ID: id, Delete: true}
			if a := o.write(remove); a.Err != nil {
				o.t.Fatal(a.Err)
			}
			_, err := o.Read(o.t.Context(), change.User, id)
			o.is(err, provision.Gone)
			o.is(o.write(remove).Err, provision.Gone)
		}},
		{says: "an operation that fails stops no other, and each has its answer", test: func(o *targeted) {
			first := o.made(aUser(name))
			answers := o.Apply(o.t.Context(), []provision.Operation{
				replacing(aUser(name), nobody, "displayName", "X"), replacing(aUser(name), first, "displayName", "Y"), aUser(name),
			})
			if len(answers) != 3 || answers[1].Err != nil {
				o.t.Fatalf("%+v", answers)
			}
			o.is(answers[0].Err, provision.Gone)
			o.is(answers[2].Err, provision.Exists)
		}},
	}
}

func promisesOfGroups() []promise {
	return []promise{
		{says: "a group is created with its members", test: func(o *targeted) {
			ada := o.made(aUser(name))
			id := o.made(aGroup("Team", ada))
			if got := o.members(id); !slices.Equal(got, []string{ada}) {
				o.t.Errorf("members %v, want %s", got, ada)
			}
			if ids := o.named(change.Group, "team"); !slices.Equal(ids, []string{id}) {
				o.t.Errorf("found %v, want %s", ids, id)
			}
		}},
		{says: "members come and go, and stay what they are already", test: func(o *targeted) {
			ada, bob := o.made(aUser(name)), o.made(aUser("bob@example.com"))
			team := aGroup("Team")
			id := o.made(team)
			for _, step := range []struct {
				add, remove, want []string
			}{
				{[]string{ada, bob}, nil, []string{ada, bob}},
				{[]string{ada}, nil, []string{ada, bob}},
				{nil, []string{ada}, []string{bob}},
				{nil, []string{ada}, []string{bob}},
			} {
				refused, err := o.ChangeMembers(o.t.Context(), provision.MemberChange{Group: team.Object, ID: id, Add: step.add, Remove: step.remove})
				if err != nil || len(refused) > 0 {
					o.t.Errorf("refused %v, %v", refused, err)
				}
				slices.Sort(step.want)
				if got := o.members(id); !slices.Equal(got, step.want) {
					o.t.Errorf("members %v, want %v", got, step.want)
				}
			}
		}},
		{real: true, says: "whoever is not there is refused singly", test: func(o *targeted) {
			ada := o.made(aUser(name))
			team := aGroup("Team")
			id := o.made(team)
			refused, err := o.ChangeMembers(o.t.Context(), provision.MemberChange{Group: team.Object, ID: id, Add: []string{nobody, ada}})
			if err != nil || len(refused) != 1 {
				o.t.Errorf("refused %v, %v", refused, err)
			}
			o.is(refused[nobody], provision.Gone)
			if got := o.members(id); !slices.Equal(got, []string{ada}) {
				o.t.Errorf("members %v, want %s", got, ada)
			}
		}},
		{says: "a group that is not there has no members to change or to list", test: func(o *targeted) {
			_, err := o.ChangeMembers(o.t.Context(), provision.MemberChange{Group: aGroup("Team").Object, ID: nobody, Add: []string{nobody}})
			o.is(err, provision.Gone)
			o.is(o.Members(o.t.Context(), nobody, func([]string) error { return nil }), provision.Gone)
		}},
	}
}
