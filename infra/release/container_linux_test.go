package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image is what a Dockerfile says of the container that it makes.
type image struct {
	context             []string // the files that it copies
	copied              map[string]string
	environ             []string
	user                int
	volume              string
	entryPoint, command []string
}

func readImage(t *testing.T, file string) image {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := image{copied: map[string]string{}}
	for _, line := range regexp.MustCompile(`(?m)^([A-Z]+) (.*)$`).FindAllStringSubmatch(string(text), -1) {
		value := strings.ReplaceAll(line[2], "${TARGETARCH}", runtime.GOARCH)
		var err error
		switch line[1] {
		case "FROM", "ARG":
		case "COPY":
			from, to, _ := strings.Cut(value, " ")
			i.context = append(i.context, from)
			i.copied[to] = from
		case "ENV":
			i.environ = append(i.environ, strings.Fields(value)...)
		case "USER":
			i.user, err = strconv.Atoi(value)
		case "VOLUME":
			i.volume = value
		case "ENTRYPOINT":
			err = json.Unmarshal([]byte(value), &i.entryPoint)
		case "CMD":
			err = json.Unmarshal([]byte(value), &i.command)
		default:
			t.Fatalf("what is %s?", line[0])
		}
		if err != nil {
			t.Fatalf("%s: %v", line[0], err)
		}
	}
	return i
}

// startsInItsContainer lays out what the Dockerfile says, on what its base image has, and
// starts its entry point there as its user. No engine builds it.
func (r *release) startsInItsContainer(t *testing.T) {
	t.Helper()
	from := filepath.Join(r.to, "container")
	i := readImage(t, filepath.Join(from, "Dockerfile"))
	var there []string
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(from, path); err == nil && !entry.IsDir() && name != "Dockerfile" {
			there = append(there, name)
		}
		return err
	})
	if diff := cmp.Diff(i.context, there); err != nil || diff != "" {
		t.Fatalf("what it copies (-) and what there is (+): %v\n%s", err, diff)
	}
	if i.user == 0 {
		t.Error("it runs as root")
	}
	root := i.lay(t, from)
	start := func(more []string, arguments ...string) (string, error) {
		command := alone(root, i.user, i.entryPoint[0], append(i.entryPoint[1:], arguments...)...)
		command.Env = append(append(command.Env, i.environ...), more...)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := start(nil, "--version"); err != nil || !strings.HasPrefix(out, "entrawebex version "+r.version) {
		t.Errorf("--version: %v\n%s", err, out)
	}
	if out, err := start(nil, i.command...); err == nil || !strings.Contains(out, "ENTRA_TENANT_ID") {
		t.Errorf("without settings: %v\n%s", err, out)
	}
	if out, err := start([]string{"LISTEN_ADDR=127.0.0.1:0"}, "run", "--sandbox", "--members", "0"); err != nil {
		t.Errorf("a day in the sandbox: %v\n%s", err, out)
	}
	i.isRunAsItsPageSays(t)
}

// lay makes the root of a container.
func (i *image) lay(t *testing.T, from string) string {
	t.Helper()
	s := system{t.TempDir()}
	// distroless/static has these beside the roots and the time zones
	// (https://github.com/GoogleContainerTools/distroless/blob/main/base/README.md).
	s.write(t, "etc/passwd", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")
	for folder, mode := range map[string]os.FileMode{"": 0o755, "etc": 0o755, "tmp": 0o777, i.volume: 0o700} {
		path := filepath.Join(s.root, folder)
		if err := os.MkdirAll(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(s.root, i.volume), i.user, i.user); err != nil {
			t.Fatal(err)
		}
	}
	for to, name := range i.copied {
		info, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, to, string(data))
		if err := os.Chmod(filepath.Join(s.root, to), info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return s.root
}

// isRunAsItsPageSays compares the command of docs/install.md with what the container has.
func (i *image) isRunAsItsPageSays(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^docker run .*$`).FindString(string(page))
	for _, variable := range i.environ {
		name, value, _ := strings.Cut(variable, "=")
		if named := map[string]string{"DATA_DIR": "--volume entrawebex:" + i.volume + " ", "LISTEN_ADDR": "--publish 127.0.0.1:8080" + value + " "}[name]; named == "" || !strings.Contains(command, named) {
			t.Errorf("%s: no %q in %s", variable, named, command)
		}
		if name == "DATA_DIR" && value != i.volume {
			t.Errorf("%s is outside of the volume %s", variable, i.volume)
		}
	}
}
