package browsertest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/story"
)

// plays goes to the play panel and plays one.
func (p *person) plays(title, said string) {
	p.t.Helper()
	p.press("link", "Play")
	p.sees("This is a simulated tenant")
	p.press("button", title)
	p.sees(said)
}

// passes waits until the pipeline shows a change of somebody, with that said of it.
func (p *person) passes(who, what string) {
	p.t.Helper()
	p.until(who+": "+what, fmt.Sprintf(`Array.from(document.querySelectorAll(".passed tbody tr"), (row) => row.innerText)
		.some((row) => row.includes(%s) && row.includes(%s))`, quoted(who), quoted(what)))
}

func TestSomebodyIsHiredAndTheAccountArrives(t *testing.T) {
	t.Parallel()
	_, process := stage(t, 6)
	p := sitDown(t, process.ConsoleURL())
	p.sees("All is well: nothing needs you.")
	p.plays("Hire somebody", "was hired as")
	name := ask[string](p, `document.querySelector(".notice").innerText.match(/was hired as (\S+)\./)[1]`)
	p.press("link", "Now")
	p.passes(name, "create")
	p.write("searchbox", "Find a person or group", name)
	p.enter()
	p.sees("Webex", "Nothing: Webex has what it is to have.", "in Webex")
}

func TestTheGuardHoldsThirtyLeavers(t *testing.T) {
	t.Parallel()
	s, process := stage(t, 36, "GUARD_FLOOR=0", "GUARD_SHARE=0")
	before := inactive(s)
	p := sitDown(t, process.ConsoleURL())
	p.plays("Block 30 at once", "30 people were blocked at once.")
	p.press("link", "Now")
	p.sees("The guard is latched", "Too many accounts were to be disabled or deleted within the hour.", "30 holds to decide on")
	p.tick("Tick …")
	p.press("button", "Reject the ticked…")
	p.sees("Reject 1 hold?", "the account stays open in Webex until the user changes in Entra")
	p.agrees("Reject 1")
	p.sees("1 hold rejected. They stay as they are.", "29 holds to decide on")
	p.press("button", "Approve all 29…")
	p.sees("Approve 29 holds?", "the account is disabled in Webex")
	p.agrees("Approve 29")
	p.sees("29 holds approved. They are on their way to Webex.")
	if err := sandbox.Wait(t.Context(), patience, func() bool { return inactive(s) >= before+29 }); err != nil {
		t.Fatalf("%v: %d are disabled", err, inactive(s)-before)
	}
	p.press("link", "Log")
	p.until("29 that were disabled", `Array.from(document.querySelectorAll("#entries tr"), (row) => row.innerText)
		.filter((row) => row.includes("disable") && row.includes("success")).length === 29`)
	if now := inactive(s); now != before+29 {
		t.Errorf("%d are disabled", now-before)
	}
}

// inactive is how many accounts are.
func inactive(s *runtest.Sandbox) int {
	n := 0
	for _, account := range s.Org.Users() {
		if account["active"] == false {
			n++
		}
	}
	return n
}

func TestADeadLetterIsReplayed(t *testing.T) {
	t.Parallel()
	_, process := stage(t, 6)
	p := sitDown(t, process.ConsoleURL())
	p.plays("Hire a name that is taken", "has the address of an account that is somebody else’s")
	name := ask[string](p, `document.querySelector(".notice").innerText.match(/(\S+) was hired/)[1]`)
	p.press("link", "Now")
	p.sees("1 dead letter", "Mend what the reason says, then replay.", name)
	p.plays("Free that name", "The name is free.")
	p.press("link", "Now")
	p.press("button", "Replay all…")
	p.sees("Replay dead letters?", "What was mended succeeds.", name)
	p.agrees("Replay")
	p.sees("1 message put back on the queue.")
	p.passes(name, "create")
	p.sees("All is well: nothing needs you.")
}

func TestTheLogIsFollowed(t *testing.T) {
	t.Parallel()
	s, process := stage(t, 6)
	p := sitDown(t, process.ConsoleURL())
	p.press("link", "Log")
	p.tick("Follow")
	if err := s.Tenant.Update(story.WellKnownID, func(u graph.User) { u["surname"] = "Followed" }); err != nil {
		t.Fatal(err)
	}
	p.until("the change", `["update", "success", "name.familyName"].every((part) =>
		document.querySelector("#entries tr").innerText.includes(part))`)
}

func TestASideIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	s, process := stage(t, 6)
	p := sitDown(t, process.ConsoleURL())
	p.press("button", "Pause Webex…")
	p.sees("Pause Webex?", "changes wait until you resume")
	p.write("textbox", "Why, for the log", "maintenance")
	p.enter()
	p.sees("Webex is paused until you resume it.", "by an operator: maintenance")
	if err := s.Tenant.Update(story.WellKnownID, func(u graph.User) { u["surname"] = "Waiting" }); err != nil {
		t.Fatal(err)
	}
	p.until("the change waits", `document.querySelector("#station-queue").innerText.includes("1\u00a0waiting") || document.querySelector("#station-queue").innerText.includes("1 waiting")`)
	p.press("button", "Let Webex go on…")
	p.agrees("Resume")
	p.sees("Webex goes on.")
	p.passes("wanda.wellknown", "name.familyName")
}

func TestAMappingIsAppliedAndRolledBack(t *testing.T) {
	t.Parallel()
	_, process := stage(t, 6)
	p := sitDown(t, process.ConsoleURL())
	p.previews("# mine")
	p.sees("Bring the file into force?", "+# mine", "What would change in Webex")
	p.write("textbox", "Why, for the log", "a remark")
	p.enter()
	p.sees("Version 1 is in force: within a minute everything goes by it.", "a remark", "# mine")
	p.press("button", "Roll back to version 0")
	p.sees("Bring version 0 into force?", "-# mine")
	p.write("textbox", "Why, for the log", "back again")
	p.enter()
	p.sees("Version 2 is in force", "as version 0", "back again")
	if text := ask[string](p, `document.querySelector("#file-title").closest("section").querySelector("pre").innerText`); strings.Contains(text, "# mine") {
		t.Errorf("it is in force still:\n%s", text)
	}
}

// previews has another mapping looked at, with one more line.
func (p *person) previews(line string) {
	p.t.Helper()
	p.press("link", "Mapping")
	p.sees("What is built in, in force")
	p.reach("DisclosureTriangle", "Apply another")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.write("textbox", "The mapping file…", line+kb.Enter) // at its begin
	p.press("button", "See what would change…")
}

// lengthy are operations whose plan goes on when it is told to.
type lengthy struct {
	operator.Operations

	on <-chan struct{}
}

func (l lengthy) Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	watcher.Progress("read the users of Webex", 200, 700)
	select {
	case <-l.on:
		return l.Operations.Plan(ctx, r, watcher)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lengthily is a console of a process with operations whose plan goes on when it is told to.
func lengthily(t *testing.T, o operator.Operations) (c *console.Console, on chan<- struct{}) {
	t.Helper()
	told := make(chan struct{})
	c, err := console.Listen(t.Context(), "127.0.0.1:0", console.Options{
		With: func(_ context.Context, do func(operator.Operations) error) error { return do(lengthy{o, told}) },
		Now:  time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := c.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		serving.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, told
}

func TestAPreviewThatTakesLongIsCancelledAndComesToItsEnd(t *testing.T) {
	t.Parallel()
	_, process := stage(t, 6)
	c, on := lengthily(t, process.Operations())
	p := sitDown(t, c.URL())
	p.previews("# mine")
	p.sees("Bring the file into force?", "read the users of Webex: 200 of 700")
	p.everyView(map[string]string{"previewing": ask[string](p, "location.pathname + location.search")})
	p.press("button", "Cancel")
	p.sees("It was cancelled. Nothing was written.")
	p.previews("# mine")
	p.sees("read the users of Webex: 200 of 700")
	on <- struct{}{}
	p.sees("+# mine", "What would change in Webex") // with no key pressed
	p.write("textbox", "Why, for the log", "a remark")
	p.enter()
	p.sees("Version 1 is in force: within a minute everything goes by it.", "a remark")
}
