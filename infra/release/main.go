// Command release makes a release in a folder: what is downloaded to install entrawebex
// without a compiler. The same source and the same version make the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

func main() {
	r := release{root: "."}
	flag.StringVar(&r.version, "version", "", "which version it is, such as 1.2.3 (VERSION)")
	flag.StringVar(&r.to, "to", "dist", "the folder that it is made in")
	flag.BoolVar(&r.here, "here", false, "make only what this machine can start, by what the tests have compiled")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.make(ctx, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

// release is what is to be made.
type release struct {
	version string
	to      string // the folder
	here    bool   // only what this machine can start
	root    string // of the source
	work    string // where it is built
}

// target is a system that the command line is made for, in Go's words.
type target struct{ system, processor string }

// functions are those of the template, by their folders.
func functions() []string { return []string{"webhook", "worker", "renew", "reconcile", "replay"} }

// targets are what the command line is made for.
func (r *release) targets() []target {
	if r.here {
		return []target{{runtime.GOOS, runtime.GOARCH}}
	}
	return []target{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}
}

// step is something that takes a while.
type step struct {
	name string
	do   func(ctx context.Context) error
}

// Semantic Versioning 2.0.0, without build metadata, which packages spell each in its way.
var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z.]+)?$`)

// make makes the release, and tells how far it is. A folder of an earlier one is replaced.
func (r *release) make(ctx context.Context, out io.Writer) error {
	if !semantic.MatchString(r.version) {
		return fmt.Errorf("VERSION is %q and must be one such as 1.2.3 or 1.3.0-rc.1", r.version)
	}
	err := r.clear()
	if err == nil {
		r.work, err = os.MkdirTemp("", "entrawebex-release-")
	}
	if err != nil {
		return err
	}
	return errors.Join(r.take(ctx, out), os.RemoveAll(r.work))
}

// take takes the steps.
func (r *release) take(ctx context.Context, out io.Writer) error {
	began := time.Now()
	steps := r.steps()
	for i, s := range steps {
		at := time.Now()
		fmt.Fprintf(out, "[%2d/%d] %s", i+1, len(steps), s.name)
		if err := s.do(ctx); err != nil {
			fmt.Fprintln(out)
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(out, "  %s\n", time.Since(at).Round(time.Second))
	}
	fmt.Fprintf(out, "Version %s is in %s, made in %s.\n", r.version, r.to, time.Since(began).Round(time.Second))
	return nil
}

// sums has the checksums, and tells the folder of a release from any other.
const sums = "SHA256SUMS"

// clear empties the folder, unless something else is in it.
func (r *release) clear() error {
	there, err := os.ReadDir(r.to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(r.to, sums)); err != nil && len(there) > 0 {
		return fmt.Errorf("%s is there, and no folder of a release: name another", r.to)
	}
	return errors.Join(os.RemoveAll(r.to), os.MkdirAll(r.to, 0o755), os.WriteFile(filepath.Join(r.to, sums), nil, 0o644))
}

// steps are what makes a release: first what is quick to fail.
func (r *release) steps() []step {
	steps := []step{
		{"release notes", r.notes},
		{"template", r.template},
		{"script of the app registration", r.script},
	}
	made, processor := functions(), "arm64" // the template's
	if r.here {
		made, processor = made[:1], runtime.GOARCH
	}
	for _, name := range made {
		steps = append(steps, step{"function " + name, func(ctx context.Context) error {
			return r.function(ctx, name, target{"linux", processor})
		}})
	}
	for _, at := range r.targets() {
		steps = append(steps, step{"entrawebex for " + at.system + " on " + at.processor, func(ctx context.Context) error {
			return r.commandLine(ctx, at)
		}})
	}
	return append(steps,
		step{"packages", r.packages},
		step{"container", r.container},
		step{"bill of materials", r.materials},
		step{"checksums", r.checksums},
	)
}

// built is where what is built for a system lies until all is packed: the command line,
// or a function.
func (r *release) built(name string, at target) string {
	if at.system == "windows" {
		name += ".exe"
	}
	return filepath.Join(r.work, at.system+"_"+at.processor, name)
}
