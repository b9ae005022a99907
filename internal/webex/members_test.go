package webex_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

func TestAllPagesOfMembersAreHandedOver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		members int
		plain   bool
		pages   []int
		calls   map[string]int
	}{
		{"of a large group", 1200, false, []int{500, 500, 200}, map[string]int{"members": 3}},
		{"of a group of full pages", 1000, false, []int{500, 500}, map[string]int{"members": 2}},
		{"of an empty group", 0, false, nil, map[string]int{"members": 1}},
		{"of a server that has them in the group only", 1200, true, []int{1200}, map[string]int{"members": 1, "group": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &groupServer{t: t, members: ids("m", test.members), plain: test.plain}
			var pages []int
			got := []string{}
			err := client(t, s.serve()).Members(t.Context(), "g", func(ids []string) error {
				pages = append(pages, len(ids))
				got = append(got, ids...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.members, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.pages, pages); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.calls, s.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyMembersThatAreUsersCount(t *testing.T) {
	t.Parallel()
	var asked []string
	var got []string
	err := client(t, pagesOf(
		&asked,
		`{"totalResults":8,"members":[{"value":"a","type":"user"},{"value":"b","type":"User"},{"value":"c"},{"value":"d","type":null}]}`,
		`{"totalResults":8,"members":[{"value":"e","type":"group"},{"value":"f","type":"machine"},{"type":"user"}]}`,
		`{"totalResults":8,"members":[]}`,
	)).Members(t.Context(), "g", func(ids []string) error {
		got = append(got, ids...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "5", "8"}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestAfterAFullPageOfAServerThatDoesNotCountTheNextIsRead(t *testing.T) {
	t.Parallel()
	var asked []string
	full := `{"members":[` + strings.Repeat(`{"value":"a"},`, 499) + `{"value":"a"}]}`
	got := 0
	err := client(t, pagesOf(&asked, full, `{"members":[{"value":"b"}]}`)).Members(t.Context(), "g", func(ids []string) error {
		got += len(ids)
		return nil
	})
	if err != nil || got != 501 {
		t.Errorf("%d members, error %v", got, err)
	}
}

func TestAnErrorOfTheReceiverEndsTheReading(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for _, plain := range []bool{false, true} {
		s := &groupServer{t: t, members: ids("m", 1200), plain: plain}
		err := client(t, s.serve()).Members(t.Context(), "g", func([]string) error { return enough })
		if !errors.Is(err, enough) || errors.Unwrap(err) != nil || s.calls["members"] != 1 {
			t.Errorf("error %v after %v", err, s.calls)
		}
	}
}

func TestTheMembersOfAMissingGroupAreGone(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t, noGroup: true}
	err := client(t, s.serve()).Members(t.Context(), "g", func([]string) error { return nil })
	if f := provision.AsFault(err); f == nil || f.Answer != provision.Gone {
		t.Errorf("fault %v", f)
	}
}

func TestAGroupThatGoesWhileItIsReadIsGone(t *testing.T) {
	t.Parallel()
	s := &groupServer{t: t, members: ids("m", 1200)}
	serve := s.serve()
	err := client(t, func(r *http.Request) (*http.Response, error) {
		if s.calls["members"] == 1 {
			return answer(404, scimError404), nil
		}
		return serve(r)
	}).Members(t.Context(), "g", func(page []string) error {
		if !slices.Equal(page, s.members[:500]) {
			t.Errorf("a page of %d", len(page))
		}
		return nil
	})
	if f := provision.AsFault(err); f == nil || f.Answer != provision.Gone {
		t.Errorf("fault %v", f)
	}
}
