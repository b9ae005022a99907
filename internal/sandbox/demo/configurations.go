package demo

import (
	"context"
	"fmt"
	"strings"

	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/story"
)

// contractors are how many people a scoping filter leaves out: the guard is about more.
const contractors = 3

// Changes of provisioning.yaml.
const (
	commented = "# - { target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department'"
	everybody = "\nusers:\n  mappings:"
	employees = "\nusers:\n  scope:\n" +
		"    - - { attribute: employeeType, operator: NOT EQUALS, value: Contractor }\n" +
		"    - - { attribute: employeeType, operator: IS NULL }\n  mappings:"
)

// administer has another mapping and a scoping filter come into force, and takes the
// filter back, as an administrator does it.
func (d *demo) administer(ctx context.Context) error {
	if err := d.configure(ctx, "Everybody's department is mapped", len(d.Tenant.Users()), commented, strings.TrimPrefix(commented, "# ")); err != nil {
		return err
	}
	step := story.Step{Title: "Three people become contractors", Apply: func(*graph.Tenant) error { return d.engage() }}
	if err := d.happen(ctx, []story.Step{step}); err != nil {
		return err
	}
	if err := d.configure(ctx, "A scoping filter leaves them out", contractors, everybody, employees); err != nil {
		return err
	}
	return d.configure(ctx, "The scoping filter is taken back", contractors, employees, everybody)
}

// engage makes contractors of the last people who may sign in.
func (d *demo) engage() error {
	people, left := d.Tenant.Users(), contractors
	for i := len(people) - 1; i >= 0 && left > 0; i-- {
		if !people[i].Enabled() {
			continue
		}
		left--
		err := d.Tenant.Update(people[i].Text("id"), func(u graph.User) { u["employeeType"] = "Contractor" })
		if err != nil {
			return fmt.Errorf("engage a contractor: %w", err)
		}
	}
	return nil
}

// configure brings the configuration into force that has one text in the place of
// another, and waits until everybody was evaluated by it; in a storm not for long. With
// many it is for so many people. A file of the user's own stays as it is.
func (d *demo) configure(ctx context.Context, title string, many int, before, after string) error {
	o := d.process.Operations()
	store, err := o.Configured()
	if err != nil {
		return err
	}
	present, err := o.Configuration(ctx, operator.ConfigurationRequest{})
	if err != nil {
		return err
	}
	text := strings.Replace(string(present.Text), before, after, 1)
	if store.Name != mapping.FileName || text == string(present.Text) {
		return nil
	}
	a := d.report.begin(&act{title: title, many: many, whole: true})
	if _, err := o.Apply(ctx, operator.ApplyRequest{Text: text, After: present.Number, By: "the sandbox", Note: title}); err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	quiet := d.quiet(ctx) // with a filter the sides are not equal
	return d.await(ctx, a, func() bool {
		_, pending, err := store.Pending(ctx)
		return err == nil && !pending && quiet()
	})
}
