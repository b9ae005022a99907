package webex_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

// Whatever a server says of a member that is present or absent already, the
// group ends up as asked, and nobody is refused.
func TestMembersEndUpAsAskedOnEveryKindOfServer(t *testing.T) {
	t.Parallel()
	for _, present := range []string{"ignore", "refuse", "double"} {
		for _, absent := range []int{0, 400, 404, 422} {
			for _, silent := range []bool{false, true} {
				for _, plain := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %d, silent %t, plain %t", present, absent, silent, plain), func(t *testing.T) {
						t.Parallel()
						s := &groupServer{
							t: t, present: present, absent: absent, silent: silent, plain: plain,
							members: []string{"a", "b", "c", "d", "e"},
						}
						refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{
							Group: team(), ID: "g", Add: []string{"a", "x", "b", "y"}, Remove: []string{"c", "v", "d", "w"},
						})
						if err != nil || len(refused) > 0 {
							t.Fatalf("refused %v, error %v", refused, err)
						}
						if diff := cmp.Diff([]string{"a", "b", "e", "x", "y"}, s.sorted()); diff != "" {
							t.Error(diff)
						}
					})
				}
			}
		}
	}
}

func TestWhatAChangeOfAHundredMembersCosts(t *testing.T) {
	t.Parallel()
	half := ids("m", 50)
	for _, test := range []struct {
		name   string
		server groupServer
		want   map[string]int
	}{
		{"Webex as documented", groupServer{present: "ignore"}, map[string]int{"patch": 1}},
		{"a silent server is read once", groupServer{present: "ignore", silent: true}, map[string]int{"patch": 1, "group": 1}},
		{"doubled members are mended in one more", groupServer{present: "double"}, map[string]int{"patch": 2}},
		{"and read after each of the two if the server is silent", groupServer{present: "double", silent: true}, map[string]int{"patch": 2, "group": 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &test.server
			s.t, s.members = t, slices.Clone(half)
			refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{
				Group: team(), ID: "g", Add: slices.Concat(half, ids("n", 50)),
			})
			if err != nil || len(refused) > 0 {
				t.Fatalf("refused %v, error %v", refused, err)
			}
			if diff := cmp.Diff(test.want, s.calls); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(slices.Concat(half, ids("n", 50)), s.sorted()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHundredDoubledMembersAreMendedByTheHundred(t *testing.T) {
	t.Parallel()
	all := ids("m", 100)
	s := &groupServer{t: t, present: "double", members: slices.Clone(all)}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: all})
	if err != nil || len(refused) > 0 || s.calls["patch"] != 3 {
		t.Errorf("refused %v, error %v, %d PATCHes, want 3", refused, err, s.calls["patch"])
	}
	if diff := cmp.Diff(all, s.sorted()); diff != "" {
		t.Error(diff)
	}
}

// One refusal costs two calls for each of the seven times that a hundred can
// be halved, at most; where what was done before the refusal is done again and
// to be mended, a third.
func TestOneBadMemberFailsAlone(t *testing.T) {
	t.Parallel()
	for _, present := range []string{"ignore", "refuse", "double"} {
		for _, at := range []int{0, 41, 99} {
			t.Run(fmt.Sprintf("%s, the %d.", present, at+1), func(t *testing.T) {
				t.Parallel()
				all := ids("m", 100)
				s := &groupServer{t: t, present: present, gone: all[at : at+1]}
				refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: all})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(s.gone, refusedIDs(refused)); diff != "" {
					t.Error(diff)
				}
				if f := provision.AsFault(refused[all[at]]); f == nil || f.Answer != provision.Gone {
					t.Errorf("fault %v, want Gone", f)
				}
				if diff := cmp.Diff(slices.Delete(slices.Clone(all), at, at+1), s.sorted()); diff != "" {
					t.Error(diff)
				}
				most := map[string]int{"ignore": 15, "refuse": 15, "double": 22}[present]
				if s.calls["patch"] > most || s.calls["user"] != 1 || s.calls["members"] > 2 {
					t.Errorf("calls %v", s.calls)
				}
			})
		}
	}
}

// Those in the group already are as asked, though the server refuses them.
func TestWhomTheServerRefusesIsLookedForInOnePass(t *testing.T) {
	t.Parallel()
	s := &groupServer{
		t: t, present: "ignore", members: slices.Concat(ids("m", 1200), []string{"stuck"}),
		bad: []string{"m0001", "m1199", "never", "stuck"},
	}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{
		Group: team(), ID: "g", Add: []string{"m0001", "never", "m1199", "new"}, Remove: []string{"stuck", "m0002"},
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]provision.FaultKind{}
	for id, err := range refused {
		kinds[id] = provision.AsFault(err).Kind
	}
	want := map[string]provision.FaultKind{"never": provision.Permanent, "stuck": provision.Permanent}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if s.calls["members"] != 3 || s.calls["user"] != 3 {
		t.Errorf("calls %v, want 3 pages and 3 accounts looked at", s.calls)
	}
	if slices.Contains(s.members, "m0002") || !slices.Contains(s.members, "new") {
		t.Error("those who were not refused are not as asked")
	}
}

func TestPresentMembersAreNotHalvedOnAServerThatRefusesThem(t *testing.T) {
	t.Parallel()
	all := ids("m", 100)
	s := &groupServer{t: t, present: "refuse", members: slices.Clone(all[:99])}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: all})
	if err != nil || len(refused) > 0 {
		t.Fatalf("refused %v, error %v", refused, err)
	}
	if diff := cmp.Diff(map[string]int{"patch": 2, "members": 1}, s.calls); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(all, s.sorted()); diff != "" {
		t.Error(diff)
	}
}

func TestA404AboutNothingThatIsMissingIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		has  []string
		asks provision.MemberChange
	}{
		"who is to be added is not in the group":     {nil, provision.MemberChange{Group: team(), ID: "g", Add: []string{"a"}}},
		"who is to be taken out is in the group yet": {[]string{"a"}, provision.MemberChange{Group: team(), ID: "g", Remove: []string{"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &groupServer{t: t, members: c.has, fail: func(int) int { return 404 }}
			refused, err := client(t, s.serve()).ChangeMembers(t.Context(), c.asks)
			if f := provision.AsFault(refused["a"]); err != nil || f == nil || f.Kind != provision.Transient {
				t.Errorf("fault %v, error %v; want a transient fault of the member", f, err)
			}
		})
	}
}

func TestAMissingGroupIsOneFaultOfTheWhole(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t, noGroup: true}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{
		Group: team(), ID: "g", Add: []string{"a", "b"}, Remove: []string{"c"},
	})
	if f := provision.AsFault(err); f == nil || f.Answer != provision.Gone || refused != nil {
		t.Errorf("fault %v, refused %v; want Gone", f, refused)
	}
	if diff := cmp.Diff(map[string]int{"patch": 1, "group": 1}, s.calls); diff != "" {
		t.Error(diff)
	}
}

// What says nothing about a member is not halved.
func TestWhatConcernsTheWholeIsReturnedAtOnce(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]provision.FaultKind{
		401: provision.Unauthorized, 403: provision.Unauthorized, 405: provision.Permanent,
		429: provision.Throttled, 500: provision.Transient, 501: provision.Permanent,
	} {
		for _, after := range []int{0, 3} { // calls, the refusals before it
			t.Run(fmt.Sprintf("%d after %d", status, after), func(t *testing.T) {
				t.Parallel()
				s := &groupServer{t: t, fail: func(patches int) int {
					if patches <= after {
						return 409
					}
					return status
				}}
				_, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: ids("m", 100)})
				if f := provision.AsFault(err); f == nil || f.Kind != kind || s.calls["patch"] != after+1 {
					t.Errorf("fault %v after %d PATCHes", f, s.calls["patch"])
				}
			})
		}
	}
}

func TestWhoStaysDoubledIsRefused(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t, present: "double for good", members: []string{"a"}}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: []string{"a", "b"}})
	want := map[string]error{"a": &provision.Fault{
		Kind: provision.Permanent,
		Reason: "change the members of Webex group g of " + team().String() +
			": it has member a more than once, even after it was taken out and added again",
	}}
	if diff := cmp.Diff(want, refused); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}

func TestAMendingThatIsRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t, present: "double", members: []string{"a"}, fail: func(patches int) int {
		if patches == 2 {
			return 409
		}
		return 200
	}}
	refused, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: []string{"a"}})
	if f := provision.AsFault(refused["a"]); err != nil || f == nil || f.Kind != provision.Transient {
		t.Errorf("fault %v, error %v", f, err)
	}
}

func TestNobodyToChangeCostsNothing(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t}
	if _, err := client(t, s.serve()).ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g"}); err != nil || len(s.calls) > 0 {
		t.Errorf("calls %v, error %v", s.calls, err)
	}
}
