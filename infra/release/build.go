package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// made is when whatever is packed was made: the same for every release, so that the same
// source makes the same bytes.
func made() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// build builds a package of the source for a system. What is made for the world holds no
// path of this machine and needs no library; what is made for this machine is of what go
// test has compiled, and is linked so that it needs no library either.
func (r *release) build(ctx context.Context, of, name string, at target, flags ...string) error {
	ldflags := "-s -w -X entrawebex/internal/version.released=" + r.version
	environ := append(os.Environ(), "GOOS="+at.system, "GOARCH="+at.processor)
	if r.here {
		linked, err := r.output(ctx, environ, "go", "env", "CGO_ENABLED")
		if err != nil {
			return err
		}
		if strings.TrimSpace(linked) == "1" {
			ldflags += ` -linkmode external -extldflags "-static -Wl,--no-warnings"`
		}
	} else {
		environ = append(environ, "CGO_ENABLED=0")
		flags = append(flags, "-trimpath")
	}
	arguments := append([]string{"build", "-buildvcs=false", "-ldflags", ldflags, "-o", r.built(name, at)}, flags...)
	_, err := r.output(ctx, environ, "go", append(arguments, "./"+of)...)
	return err
}

// output is what a command prints, at the root of the source.
func (r *release) output(ctx context.Context, environ []string, name string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir, command.Env = r.root, environ
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, arguments[0], err, said.String())
	}
	return string(out), nil
}

// function makes the archive of a function, as Lambda takes it.
func (r *release) function(ctx context.Context, name string, at target) error {
	if err := r.build(ctx, "functions/"+name, name, at, "-tags", "lambda.norpc"); err != nil {
		return err
	}
	folder := filepath.Join(r.to, "functions")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return zipped(filepath.Join(folder, name+".zip"), "bootstrap", r.built(name, at))
}

// commandLine makes the archive of the command line for a system.
func (r *release) commandLine(ctx context.Context, at target) error {
	if err := r.build(ctx, "cmd/entrawebex", "entrawebex", at); err != nil {
		return err
	}
	archive := filepath.Join(r.to, fmt.Sprintf("entrawebex_%s_%s_%s", r.version, at.system, at.processor))
	binary := r.built("entrawebex", at)
	if at.system == "windows" {
		return zipped(archive+".zip", filepath.Base(binary), binary)
	}
	return tarred(archive+".tar.gz", filepath.Base(binary), binary)
}

const executable = 0o755

// zipped makes a ZIP archive of an executable file under a name.
func zipped(archive, name, file string) error {
	return packed(archive, file, func(to io.Writer, from io.Reader, _ int64) error {
		z := zip.NewWriter(to)
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made()}
		header.SetMode(executable)
		entry, err := z.CreateHeader(header)
		if err == nil {
			_, err = io.Copy(entry, from)
		}
		return errors.Join(err, z.Close())
	})
}

// tarred makes a compressed TAR archive of an executable file under a name.
func tarred(archive, name, file string) error {
	return packed(archive, file, func(to io.Writer, from io.Reader, size int64) error {
		g := gzip.NewWriter(to)
		t := tar.NewWriter(g)
		err := t.WriteHeader(&tar.Header{Name: name, Size: size, Mode: executable, ModTime: made(), Format: tar.FormatUSTAR})
		if err == nil {
			_, err = io.Copy(t, from)
		}
		return errors.Join(err, t.Close(), g.Close())
	})
}

// packed has a file written into an archive.
func packed(archive, file string, pack func(to io.Writer, from io.Reader, size int64) error) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	to, err := os.Create(archive)
	if err != nil {
		return err
	}
	return errors.Join(pack(to, bytes.NewReader(content), int64(len(content))), to.Close())
}
