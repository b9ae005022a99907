package webex_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

// lines are what is logged, without the time.
type lines struct{ strings.Builder }

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// Invented; the machine account has the schema that Webex gives its bots.
const aMachineAmongUsers = `{"totalResults":2,"Resources":[
	{"id":"u1","userName":"ada@example.com","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]},
	{"id":"m1","userName":"ada@example.com","schemas":["urn:scim:schemas:core:cisco:webexidentity:2.0:Machine"]}]}`

func TestWhatAListHasOfAnotherKindIsToldOnceOfEachKindAskedFor(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		_, _ = fmt.Fprint(w, aMachineAmongUsers)
	}))
	t.Cleanup(server.Close)
	settings := config.Webex{SCIMURL: server.URL, AccessToken: "token"}
	for name, open := range map[string]func(*slog.Logger) (*webex.Client, error){
		"with settings that stay": func(log *slog.Logger) (*webex.Client, error) { return webex.Open(settings, log) },
		"without writing":         func(log *slog.Logger) (*webex.Client, error) { return webex.OpenReadOnly(settings, log) },
		"with a token that is rotated": func(log *slog.Logger) (*webex.Client, error) {
			return webex.OpenRotating(settings, func(context.Context) config.Webex { return settings }, log)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lines
			c, err := open(log.logger())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if found, err := c.Named(t.Context(), change.User, "ada@example.com"); err != nil || len(found) != 1 {
					t.Errorf("found %v, error %v", found, err)
				}
				if pages, err := listedUsers(t.Context(), c); err != nil || !cmp.Equal(pages, [][]string{{"u1"}}) {
					t.Errorf("listed %v, error %v", pages, err)
				}
			}
			if err := c.Groups(t.Context(), func([]provision.ListedGroup) error { return nil }); err != nil {
				t.Error(err)
			}
			const told = `level=WARN msg="Webex lists something of another kind, which is left out" `
			want := told + `id=m1 "asked for"=user operation="search Webex users by userName"` + "\n" +
				told + `id=u1 "asked for"=group operation="list the groups of Webex"` + "\n" +
				told + `id=m1 "asked for"=group operation="list the groups of Webex"` + "\n"
			if diff := cmp.Diff(want, log.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoMoreThanTwoHundredOfAnotherKindAreTold(t *testing.T) {
	t.Parallel()
	machines := make([]string, 201)
	for i := range machines {
		machines[i] = fmt.Sprintf(`{"id":"m%d","schemas":["urn:scim:schemas:core:cisco:webexidentity:2.0:Machine"]}`, i)
	}
	var asked []string
	var log lines
	c := logging(t, &log, pagesOf(&asked, fmt.Sprintf(`{"totalResults":201,"Resources":[%s]}`, strings.Join(machines, ","))))
	if _, err := listedUsers(t.Context(), c); err != nil {
		t.Error(err)
	}
	const want = `level=WARN msg="no more of what Webex lists of another kind is told until the next start"` + "\n"
	if n := strings.Count(log.String(), "\n"); n != 201 || !strings.HasSuffix(log.String(), want) {
		t.Errorf("%d lines", n)
	}
}

// logging is a client that logs.
func logging(t *testing.T, log *lines, server roundTrip) *webex.Client {
	t.Helper()
	c, err := webex.New(webex.Config{
		URL: root, Transport: server, Log: log.logger(),
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALongListSaysEveryHundredPagesThatItGoesOn(t *testing.T) {
	t.Parallel()
	const people, members = `{"totalResults":300,"Resources":[{"id":"u%d"}]}`,
		`{"memberSize":300,"members":[{"value":"u%d","type":"user"}]}`
	for _, test := range []struct {
		name, body, list string
		read             func(*webex.Client) error
	}{
		{"users", people, "list the users of Webex", func(c *webex.Client) error {
			return c.Users(t.Context(), func([]provision.Resource) error { return nil })
		}},
		{"members", members, "read the members of Webex group g", func(c *webex.Client) error {
			return c.Members(t.Context(), "g", func([]string) error { return nil })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log lines
			calls := 0
			c := logging(t, &log, func(*http.Request) (*http.Response, error) {
				calls++
				return answer(200, fmt.Sprintf(test.body, calls)), nil
			})
			if err := test.read(c); err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf(`level=INFO msg="a long list goes on" list=%q pages=`, test.list)
			if diff := cmp.Diff(line+"100\n"+line+"200\n", log.String()); diff != "" {
				t.Errorf("log after %d pages (-want +got):\n%s", calls, diff)
			}
		})
	}
}
