// Package browsertest does in a real browser what a person does on the console's pages.
package browsertest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"entrawebex/internal/leftout"
	"entrawebex/internal/sandbox/runtest"
)

// screenshots is a folder for a picture of each view; empty for none.
var screenshots = flag.String("screenshots", "", "make a picture of each view in `FOLDER`")

// openTab opens a tab of the browser, with a profile of its own.
var openTab func(...chromedp.ContextOption) (context.Context, context.CancelFunc)

// axe is the script of axe-core, which looks for what keeps people out.
var axe string

func TestMain(m *testing.M) {
	flag.Parse()
	runtest.Waiting()
	path, err := exec.LookPath("chromium")
	emulators := os.Getenv("EMULATORS_DIR")
	if err != nil || emulators == "" {
		leftout.Say("the console in a browser", "it needs chromium (on Debian, apt-get install chromium), and axe-core, which make test installs")
		return
	}
	if err := readAxe(emulators); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 { // for whom Chromium has no sandbox
		options = append(options, chromedp.NoSandbox)
	}
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	browser, leave := chromedp.NewContext(allocated)
	openTab = func(more ...chromedp.ContextOption) (context.Context, context.CancelFunc) {
		return chromedp.NewContext(browser, append(more, chromedp.WithNewBrowserContext())...)
	}
	if err := chromedp.Do(browser); err != nil { // starts it
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	leave()
	end()
	os.Exit(code)
}

func readAxe(emulators string) error {
	script, err := os.ReadFile(filepath.Join(emulators, "node_modules", "axe-core", "axe.min.js"))
	axe = string(script)
	return err
}
