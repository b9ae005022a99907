package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/sandbox/graph"
)

// assignSome assigns two thirds of all users, and every other time a group that
// all are in.
func (s *storm) assignSome() {
	s.t.Helper()
	if !s.assigned {
		return
	}
	var ids []string
	for i, u := range s.tenant.Users() {
		if i%3 > 0 {
			ids = append(ids, u.Text("id"))
		}
	}
	if s.random.IntN(2) == 0 {
		ids = append(ids, s.tenant.Groups()[0].Text("id"))
	}
	for _, id := range ids {
		if err := s.tenant.Assign(id, graph.DefaultAccess); err != nil {
			s.t.Fatal(err)
		}
	}
}

// assignment lets somebody, or a group, be assigned or no longer, and now and
// then nobody be any more.
func (s *storm) assignment() {
	s.t.Helper()
	if !s.assigned || s.random.IntN(2) > 0 {
		return
	}
	assigned := slices.DeleteFunc(s.tenant.Assigned(), func(id string) bool { return !s.mayTurn(id) })
	var what string
	var ids []string
	change := s.tenant.Unassign
	switch n := s.random.IntN(14); {
	case n == 0:
		what, ids = "unassign all", assigned
	case n < 6 && len(assigned) > 0:
		ids = assigned[s.random.IntN(len(assigned)):][:1]
		what = "unassign " + ids[0]
	default:
		change = s.tenant.Assign
		ids = s.assignable(n < 10)
		s.random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		ids = ids[:min(len(ids), 1+s.random.IntN(2))]
		what = fmt.Sprintf("assign %v", ids)
	}
	for _, id := range ids {
		if err := change(id, graph.DefaultAccess); err != nil {
			s.failf("%s: %v", what, err)
		}
		s.turned[id] = time.Now()
	}
	if len(ids) > 0 {
		s.tellf("— %s", what)
	}
}

// assignable are the users, or the groups, who can be assigned and are not.
func (s *storm) assignable(users bool) []string {
	assigned := s.tenant.Assigned()
	var ids []string
	if users {
		for _, u := range s.tenant.Users() {
			ids = append(ids, u.Text("id"))
		}
	} else {
		for _, g := range s.tenant.Groups() {
			if g["securityEnabled"] == true {
				ids = append(ids, g.Text("id"))
			}
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(assigned, id) || !s.mayTurn(id) })
}

// mayTurn reports whether an assignment that came or went has been seen in a list
// since. Of one that is there and back between two lists Graph keeps no trace:
// whoever was looked at meanwhile stays as that was, until a sweep.
func (l *land) mayTurn(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.assigned || l.turned[id].Add(2*scheduled).Before(l.listed)
}

// assignmentsListed is told that the job has run, from when on.
func (s *storm) assignmentsListed(ctx context.Context, begun time.Time) {
	var manifest struct{ Hash string }
	data, _, err := s.ledger.Document(ctx, "assignments")
	if err == nil && json.Unmarshal(data, &manifest) == nil && manifest.Hash != "" {
		s.land.mu.Lock()
		defer s.land.mu.Unlock()
		s.listed = begun
	}
}

// sealAssignments lets nobody read assignments for up to ten minutes: because
// that is not allowed, or because the enterprise application is not there.
func (s *storm) sealAssignments() {
	name, gone := "assignments forbidden", s.dice.IntN(2) == 0
	if gone {
		name = "enterprise application gone"
	}
	if !s.assigned || !s.strikes(name, 10) {
		return
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.sealed, s.appGone = time.Now().Add(time.Duration(s.dice.IntN(int(10*time.Minute)))), gone
}

// isSealed reports whether assignments cannot be read, and whether that is
// because the application is not there.
func (f *faults) isSealed() (sealed, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on && time.Now().Before(f.sealed), f.appGone
}

const forbidden = `{"error":{"code":"Authorization_RequestDenied","message":"x"}}`

// seal takes the assignments out of an answer of Graph. Those of one object to an
// application that is not there are an empty list.
func seal(path string, request []byte, status int, answer []byte, gone bool) (int, []byte) {
	refuse := func(url string) (int, string) {
		switch {
		case !gone && (strings.Contains(url, "appRoleAssignments") || strings.Contains(url, "servicePrincipals")):
			return http.StatusForbidden, forbidden
		case gone && strings.Contains(url, "appRoleAssignments"):
			return http.StatusOK, `{"value":[]}`
		case gone && strings.Contains(url, "servicePrincipals"):
			return http.StatusNotFound, noSuch
		default:
			return 0, ""
		}
	}
	if refused, body := refuse(path); refused > 0 {
		return refused, []byte(body)
	}
	asked := requestsOf(request)
	return status, editAnswers(answer, func(answers []map[string]any) {
		for _, one := range answers {
			refused, body := refuse(asked[one["id"]])
			if refused > 0 && one["status"] != float64(http.StatusNotFound) {
				one["status"], one["body"] = refused, json.RawMessage(body)
			}
		}
	})
}
