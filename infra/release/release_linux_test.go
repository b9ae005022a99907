package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/leftout"
)

// Beside other tests a day takes as long as they let it; make gives it the machine.
var within = flag.Duration("within", 0, "make a release, and how long a day in the sandbox of the installed program may take; 0 makes none")

func TestMain(m *testing.M) {
	flag.Parse()
	if *within == 0 {
		leftout.Say("a release that is made, installed and run", "-within 15s makes one, as make test does")
	}
	os.Exit(m.Run())
}

// A release of what this machine can start.
func TestAReleaseIsInstalledWhereNothingElseIsAndRuns(t *testing.T) {
	t.Parallel()
	if *within == 0 {
		t.Skip("left out: a release that is made; -within makes one")
	}
	r := release{version: "1.2.3-rc.1", to: filepath.Join(t.TempDir(), "dist"), here: true, root: "../.."}
	var told bytes.Buffer
	if err := r.make(t.Context(), &told); err != nil {
		t.Fatalf("%v\n%s", err, &told)
	}
	steps := len(r.steps())
	for _, want := range []string{fmt.Sprintf("[ 1/%d] release notes", steps), fmt.Sprintf("[ %d/%d] checksums", steps, steps), "Version 1.2.3-rc.1 is in " + r.to + ", made in "} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("no %q in\n%s", want, &told)
		}
	}
	r.installsAndLeaves(t)
	r.functionAnswers(t)
	r.hasChecksums(t)
	r.packagesAgain(t)
	r.listsMaterials(t)
	r.startsInItsContainer(t)
	r.isAsItsPageSays(t)
}

// functionAnswers starts what is in the archive as Lambda does, which says once what is to
// be done (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
func (r *release) functionAnswers(t *testing.T) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(r.to, "functions", "webhook.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = archive.Close() })
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode().Perm() != executable || !archive.File[0].Modified.Equal(made()) {
		t.Fatalf("the archive has %+v", archive.File)
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	from, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := io.ReadAll(from)
	if err == nil {
		err = os.WriteFile(bootstrap, binary, executable)
	}
	event, readErr := os.ReadFile("../../events/apigateway-validation.json")
	if err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	events, answers := make(chan []byte, 1), make(chan []byte, 1)
	events <- event
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		answers <- body
	})
	server := httptest.NewServer(mux)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	process := exec.CommandContext(ctx, bootstrap)
	process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + server.Listener.Addr().String(), "AWS_REGION=eu-central-1",
		"ENTRA_TENANT_ID=0f1e2d3c-4b5a-4697-8877-665544332211", "CLIENT_STATE=state", "CHANGE_QUEUE_URL=https://sqs.eu-central-1.amazonaws.com/1/changes.fifo",
	}
	var said bytes.Buffer
	process.Stderr = &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case answer := <-answers:
		if !strings.Contains(string(answer), `"statusCode":200`) {
			t.Errorf("it answers %s", answer)
		}
	case <-ctx.Done():
		t.Error("it does not answer")
	}
	stop()
	_ = process.Wait() // which was killed
	server.Close()
	t.Logf("it says %s", &said)
}

func (r *release) hasChecksums(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.to, sums))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	err = filepath.WalkDir(r.to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == sums {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(r.to, path)
		want = append(want, fmt.Sprintf("%x  %s", sha256.Sum256(data), name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(text)), "\n")); diff != "" {
		t.Error(diff)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", "cd "+r.to+" && sha256sum --check --quiet "+sums).CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func (r *release) listsMaterials(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.to, "sbom.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		Format   string `json:"bomFormat"`
		Metadata struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.Format != "CycloneDX" || bom.Metadata.Component.Version != r.version {
		t.Errorf("it is %+v", bom)
	}
	modules, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, c := range bom.Components {
		named[c.Name] = c.Version
		if c.Name != "std" && !strings.Contains(string(modules), "\t"+c.Name+" "+c.Version) {
			t.Errorf("go.mod does not have %s %s", c.Name, c.Version)
		}
	}
	for _, linked := range []string{"github.com/microsoftgraph/msgraph-sdk-go", "github.com/aws/aws-lambda-go", "std"} {
		if named[linked] == "" {
			t.Errorf("it does not list %s", linked)
		}
	}
	if named["github.com/google/go-cmp"] != "" {
		t.Error("it lists what the tests need")
	}
}

// isAsItsPageSays compares the table of docs/install.md with what is there.
func (r *release) isAsItsPageSays(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	processor := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllSubmatch(page, -1) {
		name := strings.NewReplacer("VERSION-", strings.ReplaceAll(r.version, "-", "~")+"-", "x86_64", processor, "amd64", runtime.GOARCH).Replace(string(row[1]))
		if packaged := strings.HasSuffix(name, ".deb"); packaged {
			name = strings.ReplaceAll(name, "VERSION", strings.ReplaceAll(r.version, "-", "~"))
		}
		named = append(named, strings.ReplaceAll(name, "VERSION", r.version))
	}
	there, err := os.ReadDir(r.to)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, entry := range there {
		made = append(made, entry.Name())
	}
	slices.Sort(named)
	if diff := cmp.Diff(named, made); diff != "" {
		t.Errorf("docs/install.md (-) and the folder (+):\n%s", diff)
	}
}

func TestAWholeReleaseIsForEverySystem(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range (&release{}).steps() {
		names = append(names, s.name)
	}
	want := []string{
		"release notes", "template", "script of the app registration",
		"function webhook", "function worker", "function renew", "function reconcile", "function replay",
		"entrawebex for linux on amd64", "entrawebex for linux on arm64", "entrawebex for darwin on amd64", "entrawebex for darwin on arm64",
		"entrawebex for windows on amd64", "entrawebex for windows on arm64",
		"packages", "container", "bill of materials", "checksums",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestAReleaseIsMadeWhereNothingElseIs(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"1.0.0": "no folder of a release", "v1": `VERSION is "v1" and must be one such as 1.2.3`, "": "VERSION is"} {
		err := (&release{version: version, to: folder, root: "../.."}).make(t.Context(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %q: %v; want %q", version, err, want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || !slices.ContainsFunc(left, func(e fs.DirEntry) bool { return e.Name() == "thesis.txt" }) {
		t.Errorf("what was there is gone: %v, %v", left, err)
	}
}

func TestTheSameFileMakesTheSameArchive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	for name, pack := range map[string]func(archive, name, file string) error{"zip": zipped, "tar.gz": tarred} {
		var first []byte
		for i, at := range []time.Time{time.Unix(1, 0), time.Unix(1_700_000_000, 0)} {
			archive := filepath.Join(folder, fmt.Sprint(i, ".", name))
			if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
			if err := pack(archive, "bootstrap", file); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && !bytes.Equal(got, first) {
				t.Errorf("%s is another for each time of the file", name)
			}
			first = got
		}
	}
}
