package story

import (
	"fmt"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/seeded"
)

// teamwork is what happens to groups in a day.
func (d *day) teamwork() []Step {
	var steps program
	add := steps.add
	add("Sales forms, with hires 1 and 2", d.form("sales", "Sales", "hire 1", "hire 2"))
	add(`Research forms, called "R&D" \ labs`, d.form("research", `"R&D" \ labs`, "hire 4"))
	add("Hire 4 joins Sales", d.join("sales", "hire 4"))
	add("Hire 2 leaves Sales", d.leave("sales", "hire 2"))
	add("Somebody new joins Sales on day one", d.joinNew("sales", "early bird"))
	add("Sales is renamed", d.onGroup("sales", rename("Sales and Service")))
	add("A mailing list, no security group", d.list)
	add("Somebody new joins Research", d.joinNew("research", "researcher"))
	add("Sales takes in Research: teams merge", d.merge("research", "sales"))
	add("Region forms: Sales, hire 5's heir", d.form("region", "Region", "sales", "heir"))
	add("Somebody joins Sales, and so Region", d.joinNew("sales", "newcomer"))
	add("Sales leaves Region, and returns", d.rejoin("region", "sales"))
	add("Hire 4 leaves, and comes back", d.thereAndBack("hire 4"))
	add("Hire 1 leaves, joins Sales 5 times", d.waver("sales", "hire 1"))
	add("Research goes to the recycle bin", d.onGroup("research", (*graph.Tenant).DeleteGroup))
	add("Research comes back", d.onGroup("research", (*graph.Tenant).RestoreGroup))
	add("Research is deleted for good", d.dissolve("research"))
	return steps
}

// Takeover is a day's largest event: so many users are hired at once, and
// become one group.
func Takeover(seed uint64, members int) []Step {
	d := &day{random: seeded.Random(seed, "takeover"), seed: seed, ids: map[string]string{}}
	var ids []string
	takeOver := func(t *graph.Tenant) error {
		people := newCast(seed, "subsidiary", t.Domain())
		people.marker = fmt.Sprintf("sub%d-", seed)
		for range members {
			id, err := t.Create(people.hire())
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		id, err := t.CreateGroup(graph.Group{"displayName": "Subsidiary"})
		if err != nil {
			return err
		}
		d.ids["subsidiary"] = id
		return t.AddMembers(id, ids...)
	}
	return []Step{
		{Title: fmt.Sprintf("%d people join, and are one group", members), Many: members, Apply: takeOver},
		{Title: "One of them leaves that group", Apply: func(t *graph.Tenant) error {
			return t.RemoveMembers(d.ids["subsidiary"], ids[d.random.IntN(len(ids))])
		}},
	}
}

func (d *day) form(name, displayName string, members ...string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		id, err := t.CreateGroup(graph.Group{"displayName": displayName})
		if err != nil {
			return err
		}
		d.ids[name] = id
		return d.join(name, members...)(t)
	}
}

func (d *day) join(name string, members ...string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error { return t.AddMembers(d.ids[name], d.named(members)...) }
}

func (d *day) leave(name string, members ...string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error { return t.RemoveMembers(d.ids[name], d.named(members)...) }
}

func (d *day) named(whos []string) []string {
	ids := make([]string, len(whos))
	for i, who := range whos {
		ids[i] = d.ids[who]
	}
	return ids
}

// joinNew hires somebody who is in the group from the first moment, so that
// either may be noticed first.
func (d *day) joinNew(name, who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		if err := d.hire(who)(t); err != nil {
			return err
		}
		return d.join(name, who)(t)
	}
}

func (d *day) onGroup(name string, do func(*graph.Tenant, string) error) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error { return do(t, d.ids[name]) }
}

func rename(displayName string) func(*graph.Tenant, string) error {
	return func(t *graph.Tenant, id string) error {
		return t.UpdateGroup(id, func(g graph.Group) { g["displayName"] = displayName })
	}
}

func (d *day) list(t *graph.Tenant) error {
	id, err := t.CreateGroup(graph.Group{"displayName": "Newsletter", "securityEnabled": false, "mailEnabled": true})
	if err != nil {
		return err
	}
	return t.AddMembers(id, d.ids["hire 1"])
}

// merge makes the members of one group members of another, too.
func (d *day) merge(from, into string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		there := map[string]bool{}
		for _, id := range t.Members(d.ids[into]) {
			there[id] = true
		}
		var ids []string
		for _, id := range t.Members(d.ids[from]) {
			if !there[id] {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return t.AddMembers(d.ids[into], ids...)
	}
}

func (d *day) thereAndBack(who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		if err := t.Delete(d.ids[who]); err != nil {
			return err
		}
		return t.Restore(d.ids[who])
	}
}

// waver takes somebody out of a group and puts the person in again, more
// often than the changes can be told apart.
func (d *day) waver(name, who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		for range 5 {
			if err := d.rejoin(name, who)(t); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *day) rejoin(name, who string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		if err := d.leave(name, who)(t); err != nil {
			return err
		}
		return d.join(name, who)(t)
	}
}

func (d *day) dissolve(name string) func(*graph.Tenant) error {
	return func(t *graph.Tenant) error {
		if err := t.DeleteGroup(d.ids[name]); err != nil {
			return err
		}
		return t.PurgeGroup(d.ids[name])
	}
}
