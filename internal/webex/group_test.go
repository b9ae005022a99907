package webex_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// groupServer is a SCIM server with one group, "g", in any of the ways that
// servers differ. Like Webex it does not promise that a PATCH is atomic: it
// stops at the first operation, or value, that it refuses.
type groupServer struct {
	t *testing.T

	members []string
	// gone are users that are not there, bad those it takes into no group.
	gone, bad []string
	// present is what adding a present member does: "ignore", "refuse",
	// "double", or "double for good", where a remove leaves one of them.
	present string
	// absent is the status for removing an absent member; 0 takes it.
	absent int
	// silent answers a PATCH with 204.
	silent bool
	// plain has no /Members.
	plain bool
	// noGroup has no group either.
	noGroup bool
	// fail, if set, may answer a PATCH in the place of the server.
	fail func(patches int) int

	calls map[string]int
}

func (s *groupServer) serve() roundTrip {
	s.calls = map[string]int{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /identity/scim/org/v2/Users/{id}", s.user)
	mux.HandleFunc("GET /identity/scim/org/v2/Groups/g", s.group)
	mux.HandleFunc("GET /identity/scim/org/v2/Groups/g/Members", s.page)
	mux.HandleFunc("PATCH /identity/scim/org/v2/Groups/g", s.patch)
	return func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

func (s *groupServer) answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.t.Error(err)
	}
}

// refuse answers with a SCIM error.
func (s *groupServer) refuse(w http.ResponseWriter, status int, scimType string) {
	s.answer(w, status, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(status), "scimType": scimType,
	})
}

func (s *groupServer) user(w http.ResponseWriter, r *http.Request) {
	s.calls["user"]++
	if slices.Contains(s.gone, r.PathValue("id")) {
		s.refuse(w, http.StatusNotFound, "")
		return
	}
	s.answer(w, 200, map[string]any{"id": r.PathValue("id")})
}

func values(ids []string) []map[string]any {
	list := []map[string]any{}
	for _, id := range ids {
		list = append(list, map[string]any{"value": id, "type": "user"})
	}
	return list
}

func (s *groupServer) group(w http.ResponseWriter, r *http.Request) {
	s.calls["group"]++
	group := map[string]any{"id": "g", "displayName": "X"}
	if s.noGroup {
		s.refuse(w, http.StatusNotFound, "")
		return
	}
	if r.URL.Query().Get("excludedAttributes") != "members" {
		group["members"] = values(s.members)
	}
	s.answer(w, 200, group)
}

func (s *groupServer) page(w http.ResponseWriter, r *http.Request) {
	s.calls["members"]++
	if s.plain || s.noGroup {
		s.refuse(w, http.StatusNotFound, "")
		return
	}
	start, err := strconv.Atoi(r.URL.Query().Get("startIndex"))
	if err != nil {
		s.t.Error(err)
	}
	rest := s.members[min(start-1, len(s.members)):]
	s.answer(w, 200, map[string]any{"memberSize": len(s.members), "members": values(rest[:min(500, len(rest))])})
}

var filtered = regexp.MustCompile(`^members\[value eq "([^"]+)"\]$`)

func (s *groupServer) patch(w http.ResponseWriter, r *http.Request) {
	s.calls["patch"]++
	var body struct {
		Operations []struct {
			Op, Path string
			Value    []struct{ Value, Type string }
		}
	}
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if err != nil {
		s.t.Error(err)
	}
	status := 200
	if s.fail != nil {
		status = s.fail(s.calls["patch"])
	}
	if s.noGroup {
		status = 404
	}
	named := 0
	for _, o := range body.Operations {
		if status != 200 {
			break
		}
		switch {
		case o.Op == "remove":
			named++
			status = s.remove(filtered.FindStringSubmatch(o.Path)[1])
		case o.Op == "add" && o.Path == "members":
			for _, v := range o.Value {
				named++
				if status == 200 {
					status = s.add(v.Value)
				}
			}
		default:
			s.t.Errorf("operation %s %s", o.Op, o.Path)
		}
	}
	if named > 100 {
		s.t.Errorf("%d members in one PATCH", named)
	}
	switch {
	case status == 400:
		s.refuse(w, 400, "noTarget")
	case status == 422: // stands for a 400 that is no noTarget
		s.refuse(w, 400, "invalidValue")
	case status != 200:
		s.refuse(w, status, "")
	case s.silent:
		w.WriteHeader(http.StatusNoContent)
	default:
		s.answer(w, 200, map[string]any{"id": "g", "members": values(s.members[:min(500, len(s.members))])})
	}
}

func (s *groupServer) add(id string) int {
	switch {
	case slices.Contains(s.gone, id), slices.Contains(s.bad, id):
		return 422
	case slices.Contains(s.members, id) && s.present == "refuse":
		return 409
	case slices.Contains(s.members, id) && s.present == "ignore":
		return 200
	}
	s.members = append(s.members, id)
	return 200
}

func (s *groupServer) remove(id string) int {
	at := slices.Index(s.members, id)
	switch {
	case at < 0 && s.absent != 0:
		return s.absent
	case slices.Contains(s.bad, id):
		return 422
	case at >= 0 && s.present == "double for good":
		s.members = slices.Delete(s.members, at, at+1)
	default:
		s.members = slices.DeleteFunc(s.members, func(m string) bool { return m == id })
	}
	return 200
}

// sorted are the members the server has, each as often as it has them.
func (s *groupServer) sorted() []string { return slices.Sorted(slices.Values(s.members)) }

func ids(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return list
}

func refusedIDs(refused map[string]error) []string { return slices.Sorted(maps.Keys(refused)) }
