// Package play makes changes in a simulated tenant when a person asks for them.
package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"entrawebex/internal/console"
	"entrawebex/internal/printable"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/story"
)

// Player plays in a sandbox. It is safe for concurrent use.
type Player struct {
	sandbox *sandbox.Sandbox

	mu   sync.Mutex
	hire func() graph.User
	// taken are the accounts that have a name which somebody else needs.
	taken []string
}

// New returns what plays in a sandbox. Its seed decides who is hired.
func New(s *sandbox.Sandbox, seed uint64) *Player {
	return &Player{sandbox: s, hire: story.Hires(seed, s.Tenant.Domain())}
}

// leavers is how many leave at once: more than the guard lets pass.
const leavers = 30

// many is how many changes come at once.
const many = 500

// play is one, and what is done.
type play struct {
	console.Play

	do func(p *Player, who []graph.User) (said, object string, err error)
}

func plays() []play {
	return []play{
		{console.Play{Name: "hire", Title: "Hire somebody", Says: "A new user, who gets an account in Webex."}, (*Player).hireOne},
		{console.Play{Name: "rename", Title: "Marry", Says: "A new surname and a new address.", Who: 1}, (*Player).marry},
		{console.Play{Name: "block", Title: "Block", Says: "The user may not sign in any more: the account is disabled.", Who: 1}, enabling(false)},
		{console.Play{Name: "unblock", Title: "Unblock", Says: "The user may sign in again.", Who: 1}, enabling(true)},
		{console.Play{Name: "leave", Title: "Leave", Says: "The user goes to the recycle bin.", Who: 1}, (*Player).leave},
		{console.Play{Name: "swap", Title: "Swap addresses", Says: "Two people take each other’s address: Webex knows no name twice.", Who: 2}, (*Player).swap},
		{console.Play{Name: "leavers", Title: fmt.Sprintf("Block %d at once", leavers), Says: "As many as look like a mistake: the guard holds what is too much."}, (*Player).blockMany},
		{console.Play{Name: "many", Title: fmt.Sprintf("Make %d changes", many), Says: "An import changes departments, one notification each."}, (*Player).changeMany},
		{console.Play{Name: "taken", Title: "Hire a name that is taken", Says: "Somebody else’s account has the address: a dead letter says so."}, (*Player).hireTaken},
		{console.Play{Name: "mend", Title: "Free that name", Says: "The other account is nobody’s, under another address: now the dead letter can be replayed."}, (*Player).free},
		{console.Play{Name: "storm", Title: "A storm of faults", Says: "One call in eight fails, before or after its effect; deliveries come doubled or late."}, (*Player).storm},
		{console.Play{Name: "calm", Title: "End the storm", Says: "Both sides answer as they should."}, (*Player).calm},
	}
}

// Plays implements console.Player.
func (*Player) Plays() []console.Play {
	known := plays()
	all := make([]console.Play, 0, len(known))
	for _, one := range known {
		all = append(all, one.Play)
	}
	return all
}

// People implements console.Player.
func (p *Player) People() []string {
	const enough = 200
	var names []string
	for _, u := range p.sandbox.Tenant.Users() {
		if names = append(names, u.Text("userPrincipalName")); len(names) == enough {
			break
		}
	}
	slices.Sort(names)
	return names
}

// Play implements console.Player.
func (p *Player) Play(_ context.Context, name string, who []string) (said, object string, err error) {
	all := plays()
	at := slices.IndexFunc(all, func(one play) bool { return one.Name == name })
	if at < 0 {
		return "", "", fmt.Errorf("there is no play %.40q", name)
	}
	if n := all[at].Who; len(who) != n {
		return "", "", fmt.Errorf("%s takes the names of %d people", all[at].Title, n)
	}
	people := make([]graph.User, len(who))
	for i, one := range who {
		if people[i], err = p.sandbox.Tenant.User(one); err != nil {
			return "", "", fmt.Errorf("%q is nobody in the tenant: name somebody by the userPrincipalName", printable.Short(one, 100))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return all[at].do(p, people)
}

func (p *Player) hireOne([]graph.User) (said, object string, err error) {
	user := p.hire()
	id, err := p.sandbox.Tenant.Create(user)
	return user.Text("displayName") + " was hired as " + user.Text("userPrincipalName") + ".", id, err
}

func (p *Player) marry(who []graph.User) (said, object string, err error) {
	id, like := who[0].Text("id"), p.hire()
	err = p.sandbox.Tenant.Update(id, func(u graph.User) {
		u["surname"], u["displayName"] = like["surname"], u.Text("givenName")+" "+like.Text("surname")
		u["userPrincipalName"], u["mail"] = like["userPrincipalName"], like["mail"]
	})
	return who[0].Text("userPrincipalName") + " is now " + like.Text("userPrincipalName") + ".", id, err
}

func enabling(enabled bool) func(*Player, []graph.User) (string, string, error) {
	return func(p *Player, who []graph.User) (said, object string, err error) {
		id := who[0].Text("id")
		err = p.sandbox.Tenant.Update(id, func(u graph.User) { u["accountEnabled"] = enabled })
		said = " was blocked."
		if enabled {
			said = " may sign in again."
		}
		return who[0].Text("userPrincipalName") + said, id, err
	}
}

func (p *Player) leave(who []graph.User) (said, object string, err error) {
	id := who[0].Text("id")
	return who[0].Text("userPrincipalName") + " has left.", id, p.sandbox.Tenant.Delete(id)
}

func (p *Player) swap(who []graph.User) (said, object string, err error) {
	first, second := who[0].Text("userPrincipalName"), who[1].Text("userPrincipalName")
	if first == second {
		return "", "", errors.New("name two people")
	}
	for _, move := range []struct {
		of graph.User
		to string
	}{{who[0], "moving-" + first}, {who[1], first}, {who[0], second}} {
		if err := p.sandbox.Tenant.Update(move.of.Text("id"), func(u graph.User) { u["userPrincipalName"], u["mail"] = move.to, move.to }); err != nil {
			return "", "", err
		}
	}
	return first + " and " + second + " have swapped their addresses.", who[0].Text("id"), nil
}

func (p *Player) blockMany([]graph.User) (said, object string, err error) {
	blocked := 0
	for _, u := range p.sandbox.Tenant.Users() {
		if blocked == leavers {
			break
		}
		if u["accountEnabled"] == false {
			continue
		}
		if err := p.sandbox.Tenant.Update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false }); err != nil {
			return "", "", err
		}
		blocked++
	}
	return fmt.Sprintf("%d people were blocked at once.", blocked), "", nil
}

func (p *Player) changeMany([]graph.User) (said, object string, err error) {
	users := p.sandbox.Tenant.Users()
	for i := range many {
		id := users[i%len(users)].Text("id")
		if err := p.sandbox.Tenant.Update(id, func(u graph.User) { u["department"] = fmt.Sprintf("Department %d", i) }); err != nil {
			return "", "", err
		}
	}
	return fmt.Sprintf("%d changes were made at once.", many), "", nil
}

// hireTaken hires somebody whose address is that of an account which belongs to somebody
// else in this tenant.
func (p *Player) hireTaken([]graph.User) (said, object string, err error) {
	user := p.hire()
	name := user.Text("userPrincipalName")
	account, err := p.sandbox.Org.Add(map[string]any{
		"userName": name, "displayName": "An account of somebody else", "userType": "user", "active": true,
		"externalId": p.sandbox.Tenant.Users()[0].Text("id"),
	})
	if err != nil {
		return "", "", err
	}
	p.taken = append(p.taken, account)
	id, err := p.sandbox.Tenant.Create(user)
	return name + " was hired, and has the address of an account that is somebody else’s.", id, err
}

func (p *Player) free([]graph.User) (said, object string, err error) {
	if len(p.taken) == 0 {
		return "", "", errors.New("no name is taken: hire one first")
	}
	for i, account := range p.taken {
		err := p.sandbox.Org.Edit(account, func(a map[string]any) {
			name := fmt.Sprintf("freed-%s@elsewhere.example", account)
			delete(a, "externalId") // which said whose it was
			a["userName"], a["emails"] = name, []any{map[string]any{"type": "work", "value": name, "primary": true}}
		})
		if err != nil {
			return "", "", fmt.Errorf("free name %d: %w", i+1, err)
		}
	}
	p.taken = nil
	return "The name is free. Replay the dead letter, and the account is made.", "", nil
}

func (p *Player) storm([]graph.User) (said, object string, err error) {
	p.sandbox.Storm.Blow(true)
	return "The storm blows. Make changes, and see what is tried again.", "", nil
}

func (p *Player) calm([]graph.User) (said, object string, err error) {
	p.sandbox.Storm.Blow(false)
	return "The storm is over. What failed is tried again.", "", nil
}
