package browsertest_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/leftout"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/story"
)

// firefox is a Firefox without a screen. It takes WebDriver's commands by its own
// protocol, Marionette: each is its length, a colon, and [0, id, name, parameters]; the
// answer has the error and the result in the third and fourth place.
type firefox struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	id   int
}

// startFirefox starts one until the test ends; nil if there is none.
func startFirefox(t *testing.T) *firefox {
	t.Helper()
	var path string
	for _, name := range []string{"firefox", "firefox-esr"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		leftout.Say("the console in Firefox", "it needs firefox (on Debian, apt-get install firefox-esr)")
		return nil
	}
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(`user_pref("marionette.port", 0);`), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, "--headless", "--marionette", "--no-remote", "--profile", profile)
	command.Env = append(os.Environ(), "HOME="+profile)
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	f := &firefox{t: t}
	t.Cleanup(func() {
		if f.conn != nil {
			_ = f.conn.Close()
		}
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	err := sandbox.Wait(t.Context(), patience, func() bool {
		port, err := os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		if err != nil || len(port) == 0 {
			return false
		}
		f.conn, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+string(port))
		return err == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.in = bufio.NewReader(f.conn)
	if _, err := f.answer(); err != nil { // it says who it is
		t.Fatal(err)
	}
	f.do("WebDriver:NewSession", map[string]any{})
	return f
}

// do gives a command, and returns its result.
func (f *firefox) do(name string, parameters map[string]any) json.RawMessage {
	f.t.Helper()
	f.id++
	body, err := json.Marshal([]any{0, f.id, name, parameters})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(body), body); err != nil {
		f.t.Fatal(err)
	}
	body, err = f.answer()
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	const parts = 4
	var answer []json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil || len(answer) != parts || string(answer[2]) != "null" {
		f.t.Fatalf("%s: %v, %s", name, err, body)
	}
	return answer[3]
}

func (f *firefox) answer() ([]byte, error) {
	length, err := f.in.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	const longest = 64 << 20 // a picture
	if err != nil || n < 0 || n > longest {
		return nil, errors.Join(fmt.Errorf("an answer of %s bytes", length), err)
	}
	body := make([]byte, n)
	_, err = io.ReadFull(f.in, body)
	return body, err
}

func (f *firefox) open(address string) { f.do("WebDriver:Navigate", map[string]any{"url": address}) }

// ask evaluates an expression in the page, as a text.
func (f *firefox) ask(expression string) string {
	f.t.Helper()
	var found struct{ Value any }
	result := f.do("WebDriver:ExecuteScript", map[string]any{"script": "return String(" + expression + ")", "args": []any{}})
	if err := json.Unmarshal(result, &found); err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprint(found.Value)
}

// until waits for an expression to hold.
func (f *firefox) until(what, expression string) {
	f.t.Helper()
	if err := sandbox.Wait(f.t.Context(), patience, func() bool { return f.ask(expression) == "true" }); err != nil {
		f.t.Fatalf("%s: %v; the page says\n%s", what, err, f.ask(look))
	}
}

func (f *firefox) picture(name string) {
	f.t.Helper()
	if *screenshots == "" {
		return
	}
	var found struct{ Value string }
	if err := json.Unmarshal(f.do("WebDriver:TakeScreenshot", map[string]any{"full": true}), &found); err != nil {
		f.t.Fatal(err)
	}
	made, err := base64.StdEncoding.DecodeString(found.Value)
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name), made, 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// What Chromium shows Firefox shows: each view with its style and its script, what passes,
// and an order.
func TestEveryViewIsShownByFirefox(t *testing.T) {
	t.Parallel()
	f := startFirefox(t)
	if f == nil {
		return
	}
	s, process := stage(t, 6)
	f.open(process.ConsoleURL())
	f.until("the first page", look+`.includes("All is well: nothing needs you.")`)
	base := f.ask("location.origin")
	views := f.ask(`Array.from(document.querySelectorAll("nav a"), (a) => a.getAttribute("href")).join()`)
	for path := range strings.SplitSeq(views+",/object?name="+story.WellKnownID+",/mapping?name="+story.WellKnownID, ",") {
		f.open(base + path)
		for _, width := range []int{500, 1280} { // narrower it is not
			f.do("WebDriver:SetWindowRect", map[string]any{"width": width, "height": 900})
			if over := f.ask("Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"); over != "0" {
				t.Errorf("%s at %d pixels is %s too wide", path, width, over)
			}
			name := strings.NewReplacer("/", "", "?", "-", "=", "-").Replace(path)
			f.picture(fmt.Sprintf("firefox-%s-%d.png", name, width))
		}
		if colour := f.ask("getComputedStyle(document.documentElement).backgroundColor"); colour != "rgb(246, 247, 249)" && colour != "rgb(17, 21, 26)" {
			t.Errorf("%s has no style: %s", path, colour)
		}
	}
	f.open(base + "/log")
	f.until("what needs a script", `!document.querySelector("[data-needs-script]").hidden`)
	f.open(base + "/")
	if err := s.Tenant.Update(story.WellKnownID, func(u graph.User) { u["surname"] = "Seen" }); err != nil {
		t.Fatal(err)
	}
	f.until("the change passes", `Array.from(document.querySelectorAll(".passed tr"), (row) => row.innerText).some((row) => row.includes("update") && row.includes("wanda.wellknown"))`)
	f.ask(`document.querySelector("form[action='/orders/pause'] button").click()`)
	f.until("what will happen", look+`.includes("changes wait until you resume")`)
}
