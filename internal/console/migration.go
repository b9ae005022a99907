package console

import (
	"context"
	"net/http"
	"net/url"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/terminal"
)

// moving is what moving in would come to, as a page shows it: of the accounts the first,
// since the memory of a console does not grow with the tenant.
type moving struct {
	// Asked is what it was looked at for.
	Asked operator.MigrationRequest
	// Lines say what was found of the gallery app, Against why writes must not begin yet.
	Lines, Notes, Against []string
	Outcomes              []outcomes
	// Adopted says whose ids the accounts carry that would be taken over; empty for none.
	Adopted string
	// Rows are the first of those that would not stay as they are, of so many.
	Rows []migration.Row
	Of   int
	// Mapping is the file that takes the place of the gallery app's mapping; empty where
	// there is none.
	Mapping  string
	Findings []synchronization.Finding
	Settings []migration.Setting
}

// outcomes are how many would come to the same.
type outcomes struct {
	Outcome       migration.Outcome
	Users, Groups int
	Note          string
	// Bad says that somebody should look at it.
	Bad bool
}

// Beyond is how many rows are not shown.
func (m *moving) Beyond() int { return m.Of - len(m.Rows) }

// newMoving is a report for a page.
func newMoving(asked operator.MigrationRequest, r *migration.Report) *moving {
	m := &moving{
		Asked: asked, Lines: terminal.GalleryLines(r), Notes: append(r.Differing, r.Notes...), Against: r.Gallery.Hindrances(),
		Adopted: terminal.AdoptedLine(r), Mapping: r.Mapping, Settings: r.Settings,
	}
	for _, o := range migration.Outcomes() {
		users, heldUsers := r.Count(o, change.User)
		groups, heldGroups := r.Count(o, change.Group)
		m.Outcomes = append(m.Outcomes, outcomes{
			Outcome: o, Users: users, Groups: groups, Note: terminal.OutcomeNote(r, o, heldUsers+heldGroups),
			Bad: (o == migration.Disable || o == migration.Refused) && users+groups > 0,
		})
	}
	for _, row := range r.Rows {
		if row.Outcome == migration.Same || row.Outcome == migration.Outside {
			continue
		}
		if m.Of++; len(m.Rows) < mostPlanned {
			m.Rows = append(m.Rows, row)
		}
	}
	for _, f := range r.Findings {
		if f.Outcome != synchronization.TakenOver {
			m.Findings = append(m.Findings, f)
		}
	}
	return m
}

func (p *pages) migrationNow() planned { return p.movingIn.now(p.Now(), place{Path: "/migration"}) }

func (p *pages) migrationPage(*http.Request, operator.Operations) (view, error) {
	return view{Title: "Moving in", Here: "/plan", Template: "migration", Body: p.migrationNow()}, nil
}

// migrationEvents tells the page how far it is.
func (p *pages) migrationEvents(w http.ResponseWriter, r *http.Request) {
	p.tellPlan(w, r, "movingin", "movedin", p.migrationNow)
}

// startMigration has it looked at what moving in would come to. It is no order: it writes
// nothing.
func (p *pages) startMigration(w http.ResponseWriter, r *http.Request) {
	asked := operator.MigrationRequest{AppID: r.PostForm.Get("app"), Job: r.PostForm.Get("job"), Scope: r.PostForm.Get("scope"), Watched: true}
	if err := asked.Validate(); err != nil {
		p.refuse(w, r, err)
		return
	}
	number, _ := p.movingIn.look(r.Context(), p, planned{}, func(ctx context.Context, o operator.Operations, watcher plan.Watcher, came *planned) error {
		report, err := o.Migration(ctx, asked, watcher)
		if err == nil {
			came.Moving = newMoving(asked, report)
		}
		return err
	})
	if number == 0 {
		p.refuse(w, r, &operator.Error{Kind: operator.Refused, Message: "moving in is looked at already: wait for that, or cancel it"})
		return
	}
	http.Redirect(w, r, "/migration", http.StatusSeeOther)
}

func (p *pages) cancelMigration(w http.ResponseWriter, r *http.Request) {
	p.movingIn.stop()
	http.Redirect(w, r, "/migration", http.StatusSeeOther)
}

func askMigrate(context.Context, operator.Operations, url.Values) (question, error) {
	return question{
		Title: "Begin to write to Webex?", Yes: "Begin",
		Lines: []string{
			"Graph is asked once more whether the gallery app's job is stopped. While it is not, or a setting is another one than the gallery app's, or no mapping was applied, nothing begins and it is said why, unless you have ticked that it is meant so.",
			"Then both sides are compared, and what differs is written. That first comparison disables nobody by itself: each waits for your approval.",
			"The way back: pause Webex, and start the job in the Entra admin center.",
		},
	}, nil
}

func migrate(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	done, err := o.Migrate(ctx, operator.MigrateRequest{AppID: form.Get("app"), Job: form.Get("job"), OnPurpose: form.Get("purpose") == "yes"})
	n := notice{Text: "Webex goes on.", Link: "/comparison", LinkText: "See how far the first comparison is"}
	if done.Owed != "" {
		n.Lines = append(n.Lines, "Within a minute: "+done.Owed)
	}
	return n, err
}
