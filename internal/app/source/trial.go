package source

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"entrawebex/internal/entra"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/scoping"
)

// Try maps what is named, by the mapping in a file if that has a name: in another file, or
// in Entra. A file has one user or group as Graph answers it, and its name ends in .json.
func (s *Source) Try(ctx context.Context, name, file string) (made plan.Trial, err error) {
	if strings.HasSuffix(name, ".json") {
		return s.tryFile(ctx, name, file)
	}
	r := operator.TestRequest{Name: name}
	if r.Configuration, _, err = ReadMapping(file); err != nil {
		return plan.Trial{}, err
	}
	err = s.OrEmpty(ctx, func(o operator.Operations) (err error) {
		made, err = o.TestMapping(ctx, r)
		return err
	})
	return made, err
}

// tryFile maps the user or group in a file, who is taken for assigned and has nothing in
// Webex.
func (s *Source) tryFile(ctx context.Context, name, file string) (plan.Trial, error) {
	data, err := os.Open(name)
	if err != nil {
		return plan.Trial{}, err
	}
	defer func() { _ = data.Close() }() // which is only read
	shown, err := entra.Decode(data)
	if err != nil {
		return plan.Trial{}, fmt.Errorf("%s: %w", name, err)
	}
	rules, err := s.Rules(ctx, file)
	if err != nil {
		return plan.Trial{}, err
	}
	t := plan.Try(rules, scoping.Rules{Filters: rules.Filters()}, scoping.Subject{
		Kind: shown.Kind, SoftDeleted: shown.SoftDeleted, Attributes: shown.Attributes, MemberOf: shown.MemberOf(rules.Users.Filter().Groups()),
	}, time.Now())
	t.Notes = append(t.Notes, "of a file it is not asked who is assigned to the enterprise application, or is in Webex already")
	if _, managed := shown.Attributes["manager"].(string); managed && rules.Users.Manager() != "" {
		t.Notes = append(t.Notes, "of a file the manager is by the id that Entra has: Webex gets the id of that user's account")
	}
	return t, nil
}
