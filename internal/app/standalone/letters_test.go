package standalone_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

func TestAFaultIsOneDeadLetterUntilItIsMendedAndThenNone(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		letters := func(want int) {
			t.Helper()
			const soon = 15 * time.Second
			there := func() bool {
				depth, err := p.Stores.DeadLetters.Depth(ctx)
				return err == nil && depth.Visible+depth.InFlight == want
			}
			if err := sandbox.Wait(ctx, soon, there); err != nil {
				t.Errorf("not %d letters: %v", want, err)
			}
		}
		// The name is that of an account which is somebody else's.
		_, err := s.Org.Add(map[string]any{
			"userName": "nobody@" + sandbox.Domain, "displayName": "Somebody", "active": true, "externalId": s.Tenant.Users()[0].Text("id"),
		})
		if err != nil {
			t.Fatal(err)
		}
		hired, err := s.Tenant.Create(graph.User{"userPrincipalName": "nobody@" + sandbox.Domain, "displayName": "No Body", "givenName": "No", "surname": "Body"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			s.Settle(ctx, p)
			letters(1)
			if err := s.Tenant.Update(hired, func(u graph.User) { u["displayName"] = fmt.Sprint("No Body ", i) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Tenant.Update(hired, func(u graph.User) { u["userPrincipalName"] = "no.body@" + sandbox.Domain }); err != nil {
			t.Fatal(err)
		}
		s.Settle(ctx, p)
		letters(0)
	})
}
