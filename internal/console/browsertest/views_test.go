package browsertest_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/play"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/story"
)

// hostile is a name that is a script wherever it is not shown as text.
const hostile = `<script>document.title="taken"</script>"><img src=x onerror='document.title="taken"'>`

// stage is a process that runs with its console until the test ends.
func stage(t *testing.T, users int, environ ...string) (*runtest.Sandbox, *standalone.Process) {
	t.Helper()
	s := runtest.New(t, users)
	p := s.Open(append([]string{"CONSOLE_ADDR=127.0.0.1:0"}, environ...)...)
	p.Offer(play.New(s.Sandbox, 1))
	s.Start(p)
	return s, p
}

// views are all that the navigation leads to, and what is behind them, by the name of a
// picture.
func views(p *person) map[string]string {
	p.t.Helper()
	all := map[string]string{
		"person":  "/object?name=" + story.WellKnownID,
		"what-if": "/object?what=if&name=" + story.WellKnownID,
		"nobody":  nowhere,
		"group":   "/object?name=" + url.QueryEscape("All staff"),
		"class":   "/comparison?class=in+sync",
		"part":    "/object?name=contoso",
		"moving":  "/migration",
	}
	for _, path := range ask[[]string](p, `Array.from(document.querySelectorAll("nav a"), (a) => a.getAttribute("href"))`) {
		name := path[1:]
		if name == "" {
			name = "now"
		}
		all[name] = path
	}
	return all
}

// Whoever cannot see, or sees little, or has a small screen or a large one, can work with
// every view; and no name of Entra's becomes a script.
func TestEveryViewIsForEverybody(t *testing.T) {
	t.Parallel()
	s, process := stage(t, 36, "GUARD_FLOOR=0", "GUARD_SHARE=0")
	p := sitDown(t, process.ConsoleURL())
	p.sees("Needs you")
	p.everyView(map[string]string{"rest": "/"})
	trouble(t, s, process)
	p.compares()
	p.movesIn(s)
	p.everyView(views(p))
	p.previews("# mine")
	p.sees("What would change in Webex")
	p.everyView(map[string]string{"preview": ask[string](p, "location.pathname + location.search")})
}

// compares has everything compared on the page, and nothing written.
func (p *person) compares() {
	p.t.Helper()
	p.press("link", "Comparison")
	p.press("button", "Compare without writing")
	p.sees("A class leads to its accounts")
}

// movesIn has it looked at what moving in would come to.
func (p *person) movesIn(s *runtest.Sandbox) {
	p.t.Helper()
	schema, err := os.ReadFile("../../mapping/synchronization/testdata/portal.json")
	if err != nil {
		p.t.Fatal(err)
	}
	s.Tenant.SetSynchronization(graph.Synchronization{ID: "webex.1.2", Template: "webex", Schema: schema, Secrets: map[string]string{"SyncAll": "true"}})
	p.press("link", "Plan")
	p.press("link", "See what would come of it")
	p.write("textbox", "Application ID", sandbox.AppID)
	p.press("button", "Look what would happen")
	p.sees("The switch")
}

// trouble has much of a tenant need a person.
func trouble(t *testing.T, s *runtest.Sandbox, process *standalone.Process) {
	t.Helper()
	users := s.Tenant.Users()
	for i, u := range users[len(users)-30:] {
		err := s.Tenant.Update(u.Text("id"), func(u graph.User) {
			u["accountEnabled"] = false
			if i == 0 {
				u["displayName"] = hostile
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tenant.Update(story.WellKnownID, func(u graph.User) { u["displayName"], u["surname"] = hostile, hostile }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := play.New(s.Sandbox, 2).Play(t.Context(), "taken", nil); err != nil {
		t.Fatal(err)
	}
	o := process.Operations()
	if err := sandbox.Wait(t.Context(), patience, func() bool {
		status, err := o.Status(t.Context())
		return err == nil && status.Holds.Total >= 28 && status.DeadLetters == 1
	}); err != nil {
		t.Fatal(err)
	}
}

// everyView looks at each in light and dark, on small and large screens, and makes a
// picture of it if that is asked for.
func (p *person) everyView(all map[string]string) {
	p.t.Helper()
	for name, path := range all {
		p.open(path)
		for _, width := range []int64{360, 1280, 2560} {
			for _, scheme := range []string{"light", "dark"} {
				p.wears(scheme, width)
				p.picture(fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
			}
			if over := ask[int](p, "document.documentElement.scrollWidth - window.innerWidth"); over > 0 {
				p.t.Errorf("%s at %d pixels is %d too wide: %v", path, width, over, ask[[]string](p, `Array.from(document.querySelectorAll("main *, header *"))
					.filter((e) => e.getBoundingClientRect().right > window.innerWidth && !e.closest(".scroll, pre"))
					.map((e) => e.tagName + "." + e.className).slice(-6)`))
			}
		}
		for scheme, width := range map[string]int64{"light": 360, "dark": 1280} {
			p.wears(scheme, width)
			for _, violation := range p.violations() {
				p.t.Errorf("%s at %d pixels in %s: %s", path, width, scheme, violation)
			}
		}
		if ask[string](p, "document.title") == "taken" || ask[int](p, `document.querySelectorAll("main img, main script").length`) > 0 {
			p.t.Errorf("a name of somebody became a part of %s", path)
		}
	}
}

func (p *person) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	made, err := chromedp.Run(p.tab, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), made, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
