package simulation_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/leftout"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// sidesVariable is set where the test binary is not to run tests but to be both
// sides in a process of their own, so that what they use is not counted as what
// the system uses. Its value is a headcount as JSON.
const sidesVariable = "SIMULATED_SIDES"

func TestMain(m *testing.M) {
	given, is := os.LookupEnv(sidesVariable)
	if !is {
		const percent = 400 // a seed leaves much behind, and is over in a moment
		debug.SetGCPercent(percent)
		flag.Parse()
		if *seeds < thorough {
			leftout.Say("rules that are broken on purpose, and most outages", fmt.Sprintf("-seeds %d or more plays them, as make test does", thorough))
		}
		if measured := flag.Lookup("test.bench").Value.String(); measured != "" && !*large {
			leftout.Say("a comparison of 100,000 users", "-large measures it")
		}
		os.Exit(m.Run())
	}
	if err := serveSides(given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// headcount is how many users there are, and how many groups of how many
// members.
type headcount struct{ Users, Groups, Members int }

func (h headcount) String() string { return fmt.Sprintf("%d users, %d groups", h.Users, h.Groups) }

// settle makes the users and groups in the tenant, and returns the ids of the
// users.
func (h headcount) settle(tenant *graph.Tenant) ([]string, error) {
	ids := make([]string, h.Users)
	for i := range ids {
		var err error
		if ids[i], err = tenant.Create(graph.User{
			"userPrincipalName": fmt.Sprintf("user%d@%s", i, domain), "displayName": fmt.Sprintf("User %d", i),
			"givenName": "User", "surname": fmt.Sprintf("Number %d", i),
		}); err != nil {
			return nil, err
		}
	}
	for i := range h.Groups {
		g, err := tenant.CreateGroup(graph.Group{"displayName": fmt.Sprintf("Group %d", i)})
		if err != nil {
			return nil, err
		}
		members := make([]string, h.Members)
		for j := range members {
			members[j] = ids[(i*h.Members+j)%len(ids)]
		}
		if err := tenant.AddMembers(g, members...); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// The paths at which the sides answer what is no business of the system.
const (
	differencesPath = "/differences"
)

// serveSides is both sides, at the address it prints, until its input ends.
func serveSides(given string) error {
	var people headcount
	if err := json.Unmarshal([]byte(given), &people); err != nil {
		return err
	}
	tenant, err := graph.New(graph.Config{ID: tenantID, Domain: domain, Token: "t"})
	if err != nil {
		return err
	}
	org, err := scim.New(scim.Config{ID: orgID, Token: "t"})
	if err != nil {
		return err
	}
	if _, err := people.settle(tenant); err != nil {
		return err
	}
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1.0/", tenant)
	mux.Handle("/identity/", org)
	mux.HandleFunc(differencesPath, func(w http.ResponseWriter, _ *http.Request) {
		differences := compare.Differences(tenant, org, rules)
		fmt.Fprintln(w, len(differences), differences[:min(len(differences), 3)])
	})
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, listener.Addr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does
		os.Exit(0)
	}()
	return http.Serve(listener, mux)
}

// sides are a tenant and an organization in another process.
type sides struct {
	host string
}

// newSides begins a process that is both sides. It ends with the test.
func newSides(tb testing.TB, people headcount) *sides {
	tb.Helper()
	given := try(json.Marshal(people))(tb)
	command := exec.CommandContext(tb.Context(), os.Args[0])
	command.Env = append(os.Environ(), sidesVariable+"="+string(given))
	command.Stderr = os.Stderr
	input := try(command.StdinPipe())(tb)
	output := try(command.StdoutPipe())(tb)
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait() // which tells that it was ended
	})
	host := try(bufio.NewReader(output).ReadString('\n'))(tb)
	return &sides{host: strings.TrimSpace(host)}
}

// differences are how many there are between both sides, and the first few.
func (s *sides) differences(tb testing.TB) string {
	tb.Helper()
	request := try(http.NewRequestWithContext(tb.Context(), http.MethodGet, "http://"+s.host+differencesPath, nil))(tb)
	response := try(http.DefaultClient.Do(request))(tb)
	defer response.Body.Close()
	return strings.TrimSpace(string(try(io.ReadAll(response.Body))(tb)))
}
