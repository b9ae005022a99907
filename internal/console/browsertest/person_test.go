package browsertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entrawebex/internal/sandbox"
)

// patience is for how long a person waits for something on a page, on a busy machine.
const patience = time.Minute

// person is somebody at a browser who has a keyboard and no mouse.
type person struct {
	t *testing.T
	//nolint:containedctx // it is the browser's tab
	tab  context.Context
	base string

	mu       sync.Mutex
	troubles []string
}

// sitDown lets somebody in, with the first address of a console. What the browser complains
// of until they leave fails the test.
func sitDown(t *testing.T, first string) *person {
	t.Helper()
	p := &person{t: t}
	tab, leave := openTab(chromedp.WithListener(p.listen))
	p.tab = tab
	t.Cleanup(func() {
		leave()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Error("the browser complains:", trouble)
		}
	})
	p.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(first))
	p.base = strings.TrimSuffix(ask[string](p, "location.origin"), "/")
	return p
}

// nowhere is a page that says there is nobody, which the browser remarks upon.
const nowhere = "/object?name=nobody"

// listen notes what went wrong in a page, or was not let through by its policy.
func (p *person) listen(event any) {
	var trouble string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		trouble = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			trouble += " " + thrown.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError || strings.HasSuffix(e.Entry.URL, nowhere) {
			return
		}
		trouble = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, trouble)
}

func (p *person) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// ask evaluates an expression in the page.
func ask[T any](p *person, expression string) T {
	p.t.Helper()
	found, err := chromedp.Run(p.tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// open types an address.
func (p *person) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// look is what the page has under its heading.
const look = `(document.querySelector("main")?.innerText ?? "")` // nothing while the next page comes

// sees waits until the page says all of that.
func (p *person) sees(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until(fmt.Sprintf("there is %q", text), fmt.Sprintf("%s.includes(%s)", look, quoted(text)))
	}
}

// until waits for an expression to hold. There may be no page for a moment.
func (p *person) until(what, expression string) {
	p.t.Helper()
	holds := func() bool {
		found, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](expression))
		return err == nil && found
	}
	if err := sandbox.Wait(p.tab, patience, holds); err != nil {
		p.t.Fatalf("%s: %v; the page says\n%s", what, err, ask[string](p, look))
	}
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string is JSON
	}
	return string(encoded)
}

// thing is what the keyboard is at, as a screen reader calls it.
type thing struct{ role, name string }

func (p *person) at() thing {
	p.t.Helper()
	focused, err := chromedp.Run(p.tab, chromedp.Evaluate[*runtime.RemoteObject]("document.activeElement"))
	if err != nil {
		p.t.Fatal(err)
	}
	without := false
	found, err := chromedp.Call(p.tab, accessibility.GetPartialAXTree,
		accessibility.GetPartialAXTreeParams{ObjectID: focused.ObjectID, FetchRelatives: &without})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(found.Nodes) == 0 {
		return thing{}
	}
	return thing{plain(found.Nodes[0].Role), plain(found.Nodes[0].Name)}
}

func plain(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}

// reach goes on with the tabulator until the keyboard is at something. With "…" only the
// beginning of its name is given.
func (p *person) reach(role, name string) thing {
	p.t.Helper()
	const far = 300 // more than once around
	var passed []thing
	for range far {
		p.do(chromedp.KeyEvent(kb.Tab))
		now := p.at()
		if now.role == role && (now.name == name || strings.HasSuffix(name, "…") && strings.HasPrefix(now.name, strings.TrimSuffix(name, "…"))) {
			return now
		}
		passed = append(passed, now)
	}
	p.t.Fatalf("the keyboard does not get to the %s %q, but to %q", role, name, passed)
	return thing{}
}

// press goes to a button or a link and presses it, which leads to another page.
func (p *person) press(role, name string) {
	p.t.Helper()
	p.reach(role, name)
	p.enter()
}

// enter presses the key, which leads to another page.
func (p *person) enter() {
	p.t.Helper()
	before := ask[float64](p, "performance.timeOrigin")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.until("another page", fmt.Sprintf(`performance.timeOrigin !== %g && document.readyState === "complete"`, before))
}

// write goes to a field and fills it in.
func (p *person) write(role, name, text string) {
	p.t.Helper()
	p.reach(role, name)
	p.do(chromedp.KeyEvent(text))
}

// tick goes to a box and ticks it, and returns what it is called.
func (p *person) tick(name string) string {
	p.t.Helper()
	box := p.reach("checkbox", name)
	p.do(chromedp.KeyEvent(" "))
	return box.name
}

// agrees presses the button that the keyboard is at already.
func (p *person) agrees(name string) {
	p.t.Helper()
	if at := p.at(); at != (thing{"button", name}) {
		p.t.Fatalf("the keyboard is at %q, not at the button %q", at, name)
	}
	p.enter()
}

// wears has the page in a scheme, light or dark, on a screen of that many pixels.
func (p *person) wears(scheme string, width int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, 900))
	p.prefers(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
}

// moves has the page move again, as it does unless somebody asks it not to.
func (p *person) moves() {
	p.t.Helper()
	p.prefers()
}

func (p *person) prefers(features ...*emulation.MediaFeature) {
	p.t.Helper()
	if _, err := chromedp.Call(p.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.t.Fatal(err)
	}
}

// violations is what axe finds on the page.
func (p *person) violations() []string {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](axe))
	return ask[[]string](p, `axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map((v) =>
		v.id + ": " + v.help + v.nodes.map((n) => "\n  " + n.target + " " + n.failureSummary.replaceAll("\n", " ")).join("")))`)
}
