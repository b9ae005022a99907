package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entrawebex/internal/leftout"
)

const (
	program     = "usr/bin/entrawebex"
	unitFile    = "usr/lib/systemd/system/entrawebex.service"
	environment = "etc/entrawebex/environment"
)

// packager installs packages into a folder, as an administrator does into a system.
type packager struct {
	kind string // of its files
	// install installs the file of a package under a root, or that of another version;
	// remove removes it.
	install, remove func(root, file string) []string
	left            string // what the settings are called after that
}

// packagers are those of this machine.
func packagers() []packager {
	all := []packager{{
		kind: "deb",
		install: func(root, file string) []string {
			return []string{"dpkg", "--root=" + root, "--force-confdef", "--install", file}
		},
		remove: func(root, _ string) []string { return []string{"dpkg", "--root=" + root, "--remove", "entrawebex"} },
		left:   environment,
	}}
	if _, err := exec.LookPath("rpm"); err != nil {
		leftout.Say("the RPM package, installed", "it needs rpm (on Debian, apt-get install rpm)")
		return all
	}
	return append(all, packager{
		kind:    "rpm",
		install: func(root, file string) []string { return []string{"rpm", "--root=" + root, "--upgrade", file} },
		remove:  func(root, _ string) []string { return []string{"rpm", "--root=" + root, "--erase", "entrawebex"} },
		left:    environment + ".rpmsave",
	})
}

// installsAndLeaves installs each package into an empty root: what it does not bring and
// does not declare is not there. Another version follows it, and then it is removed.
func (r *release) installsAndLeaves(t *testing.T) {
	t.Helper()
	next := r.repackaged(t, "1.2.4", otherSettings(t))
	for _, p := range packagers() {
		t.Log("the package", p.kind)
		r.installsBy(t, p, next)
	}
}

func (r *release) installsBy(t *testing.T, p packager, next *release) {
	t.Helper()
	s := newSystem(t)
	said := s.does(t, p.install(s.root, r.packaged(t, p.kind)))
	s.hears(t, said, "systemctl enable --now entrawebex", "daemon-reload", "try-restart entrawebex.service")
	r.runsAlone(t, s.root, p.kind == "deb")
	isConfined(t, s.root)

	s.write(t, environment, "ENTRA_TENANT_ID=ours\n")
	s.write(t, "var/lib/entrawebex/ledger", "ours")
	said = s.does(t, p.install(s.root, next.packaged(t, p.kind)))
	s.hears(t, said, "", "daemon-reload", "try-restart entrawebex.service")
	s.keeps(t, environment, "ENTRA_TENANT_ID=ours\n")

	said = s.does(t, p.remove(s.root, ""))
	s.hears(t, said, "Queue and ledger stay in /var/lib/entrawebex, the settings that you changed in /etc/entrawebex.",
		"disable --now entrawebex.service", "daemon-reload")
	s.keeps(t, p.left, "ENTRA_TENANT_ID=ours\n")
	s.keeps(t, "var/lib/entrawebex/ledger", "ours")
	for _, gone := range []string{program, unitFile} {
		if _, err := os.Stat(filepath.Join(s.root, gone)); err == nil {
			t.Errorf("%s is left", gone)
		}
	}
}

// packaged is the package of a kind.
func (r *release) packaged(t *testing.T, kind string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.to, "*."+kind))
	if err != nil || len(files) != 1 {
		t.Fatalf("packages %v, %v", files, err)
	}
	return files[0]
}

// otherSettings are sources of a package whose file of settings says something else.
func otherSettings(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "infra/release"), os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "infra/release/environment"), []byte("# Of the next version.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// repackaged packs the program that was built once more, as a version.
func (r *release) repackaged(t *testing.T, version, root string) *release {
	t.Helper()
	again := &release{version: version, to: t.TempDir(), work: t.TempDir(), here: true, root: root}
	at := r.targets()[0]
	if err := os.MkdirAll(filepath.Dir(again.built("entrawebex", at)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(r.to, "container/linux", at.processor, "entrawebex"), again.built("entrawebex", at)); err != nil {
		t.Fatal(err)
	}
	if err := again.packages(t.Context()); err != nil {
		t.Fatal(err)
	}
	return again
}

// packagesAgain packs a second time, which makes the same packages.
func (r *release) packagesAgain(t *testing.T) {
	t.Helper()
	again := r.repackaged(t, r.version, r.root)
	for _, kind := range []string{"deb", "rpm"} {
		one, errOne := os.ReadFile(r.packaged(t, kind))
		other, errOther := os.ReadFile(again.packaged(t, kind))
		if errOne != nil || errOther != nil || !bytes.Equal(one, other) {
			t.Errorf("%s is another each time: %v, %v", kind, errOne, errOther)
		}
	}
}

// runsAlone runs what is installed under a root, a whole day in the sandbox if that is wanted.
func (r *release) runsAlone(t *testing.T, root string, day bool) {
	t.Helper()
	version, err := alone(root, 0, "/"+program, "--version").Output()
	if want := fmt.Sprintf("entrawebex version %s, %s linux/%s\n", r.version, runtime.Version(), runtime.GOARCH); err != nil || string(version) != want {
		t.Errorf("it is %q, %v; want %q", version, err, want)
	}
	if !day {
		return
	}
	took := aDay(t, root)
	if took <= *within {
		return
	}
	// The bound is meant for a machine that does nothing else. This one may be slower, or
	// busy: it is asked how much, before another day and after it.
	slower := timesSlower(t)
	took = min(took, aDay(t, root))
	slower = max(slower, timesSlower(t))
	if allowed := time.Duration(float64(*within) * slower); took > allowed {
		t.Errorf("a day in the sandbox took more than %s, which are %s on a machine that is %.1f times slower", allowed.Round(time.Millisecond), *within, slower)
	}
}

// timesSlower is how many times longer this machine takes now for what the machine with
// two processors on which the bound was set computes in half a second; 1 if
// it is no slower.
func timesSlower(t *testing.T) float64 {
	t.Helper()
	const (
		processors = 2
		rounds     = 2000
		there      = 500 * time.Millisecond
	)
	object := map[string]any{}
	for i := range 200 {
		object[fmt.Sprint("attribute", i)] = strings.Repeat("value ", i%20)
	}
	began := time.Now()
	var group sync.WaitGroup
	for range processors {
		group.Go(func() {
			for range rounds {
				data, err := json.Marshal(object)
				var read map[string]any
				if err = errors.Join(err, json.Unmarshal(data, &read)); err != nil || len(read) != len(object) {
					t.Errorf("%d of %d attributes, %v", len(read), len(object), err)
				}
			}
		})
	}
	group.Wait()
	slower := max(1, float64(time.Since(began))/float64(there))
	t.Logf("this machine is %.1f times slower now than the one on which the bound was set", slower)
	return slower
}

// aDay has what is installed under a root play one in the sandbox.
func aDay(t *testing.T, root string) time.Duration {
	t.Helper()
	command := alone(root, 0, "/"+program, "run", "--sandbox")
	command.Env = append(command.Env, "LISTEN_ADDR=127.0.0.1:0") // beside whatever listens here
	began := time.Now()
	out, err := command.CombinedOutput()
	took := time.Since(began)
	if err != nil || !strings.Contains(string(out), "created") {
		t.Fatalf("a day in the sandbox: %v\n%s", err, out)
	}
	t.Logf("a day in the sandbox took %s", took.Round(time.Millisecond))
	return took
}

// isConfined looks at what the unit under a root names.
func isConfined(t *testing.T, root string) {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join(root, unitFile))
	if err != nil {
		t.Fatal(err)
	}
	for named, want := range map[string]os.FileMode{"ExecStart": executable, "EnvironmentFile": 0o600} {
		file := regexp.MustCompile(`(?m)^` + named + `=(\S+)`).FindSubmatch(unit)
		if file == nil {
			t.Fatalf("the unit has no %s", named)
		}
		info, err := os.Stat(filepath.Join(root, string(file[1])))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %o", named, info, err, want)
		}
	}
}

// system is a folder that a package takes for a system which systemd runs.
type system struct{ root string }

// What systemctl is told there.
const told = "told"

func newSystem(t *testing.T) system {
	t.Helper()
	s := system{t.TempDir()}
	for _, folder := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "tmp", "run/systemd/system"} {
		if err := os.MkdirAll(filepath.Join(s.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available"} {
		s.write(t, file, "")
	}
	return s
}

// does runs a packager, for whose scripts there is a shell meanwhile: what was installed
// does without one.
func (s system) does(t *testing.T, command []string) string {
	t.Helper()
	var shell []string
	libraries, err := exec.CommandContext(t.Context(), "ldd", "/bin/sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1), "/bin/sh") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, file, string(data))
		shell = append(shell, file)
	}
	s.write(t, "/usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/"+told+"\n")
	for _, file := range append(shell, "/usr/bin/systemctl") {
		if err := os.Chmod(filepath.Join(s.root, file), executable); err != nil {
			t.Fatal(err)
		}
	}
	out, err := alone("", 0, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
	for _, file := range append(shell, "/usr/bin/systemctl") {
		if err := os.Remove(filepath.Join(s.root, file)); err != nil {
			t.Fatal(err)
		}
	}
	return string(out)
}

// hears looks at what a packager said, and at what its scripts told systemctl.
func (s system) hears(t *testing.T, said, want string, calls ...string) {
	t.Helper()
	if !strings.Contains(said, want) {
		t.Errorf("no %q in\n%s", want, said)
	}
	file := filepath.Join(s.root, told)
	got, err := os.ReadFile(file)
	if want := strings.Join(calls, "\n") + "\n"; err != nil || string(got) != want {
		t.Errorf("systemctl is told\n%s%v; want\n%s", got, err, want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func (s system) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(s.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keeps looks at a file that only its owner reads.
func (s system) keeps(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join(s.root, name)
	text, err := os.ReadFile(file)
	if err != nil || string(text) != want {
		t.Errorf("%s has %q, %v", name, text, err)
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
		t.Errorf("whoever is at the machine reads %s: mode %o", name, info.Mode().Perm())
	}
}

// alone is a command with no environment, which sees a folder as all there is; as a user,
// or as who has that number in a user namespace.
func alone(root string, user int, name string, arguments ...string) *exec.Cmd {
	command := exec.Command(name, arguments...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if root != "" {
		command.Dir = "/"
	}
	if id := os.Geteuid(); id != 0 {
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: id, Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getegid(), Size: 1}}
	} else if user != 0 {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}
	}
	return command
}
