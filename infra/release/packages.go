package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// nfpm makes the packages. It is run at this version, and no module that is linked here:
// Go keeps what it has built of it.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0"

// packages makes the packages for Debian's and Red Hat's systems.
func (r *release) packages(ctx context.Context) error {
	for _, at := range r.targets() {
		if at.system != "linux" {
			continue
		}
		environ := append(os.Environ(), "CGO_ENABLED=0", "SOURCE_DATE_EPOCH="+strconv.FormatInt(made().Unix(), 10),
			"VERSION="+r.version, "ARCH="+at.processor, "BINARY="+r.built("entrawebex", at))
		to, err := filepath.Abs(r.to)
		if err != nil {
			return err
		}
		for _, packager := range []string{"deb", "rpm"} {
			if _, err := r.output(ctx, environ, "go", "run", nfpm, "package", "--config", "infra/release/nfpm.yaml", "--packager", packager, "--target", to); err != nil {
				return err
			}
		}
	}
	return nil
}

// container makes what docker build takes.
func (r *release) container(context.Context) error {
	folder := filepath.Join(r.to, "container")
	dockerfile, err := os.ReadFile(filepath.Join(r.root, "infra/release/Dockerfile"))
	if err != nil {
		return err
	}
	for _, at := range r.targets() {
		if at.system != "linux" {
			continue
		}
		binary, err := os.ReadFile(r.built("entrawebex", at))
		if err != nil {
			return err
		}
		name := filepath.Join(folder, at.system, at.processor, "entrawebex")
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, binary, executable); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "Dockerfile"), dockerfile, 0o644)
}

// materials writes which modules are linked into what was built, as CycloneDX has them:
// read from the binaries themselves.
func (r *release) materials(context.Context) error {
	linked := map[string]cyclonedx.Component{}
	err := filepath.WalkDir(r.work, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return err
		}
		linked["std"] = component("std", strings.TrimPrefix(info.GoVersion, "go"))
		for _, module := range info.Deps {
			if module.Replace != nil {
				module = module.Replace
			}
			linked[module.Path] = component(module.Path, module.Version)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var components []cyclonedx.Component
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		components = append(components, linked[path])
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, Name: "entrawebex", Version: r.version,
	}}
	bom.Components = &components
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.to, "sbom.cdx.json"), text.Bytes(), 0o644)
}

func component(path, version string) cyclonedx.Component {
	url := "pkg:golang/" + path + "@" + version
	return cyclonedx.Component{Type: cyclonedx.ComponentTypeLibrary, BOMRef: url, Name: path, Version: version, PackageURL: url}
}

// checksums writes what sha256sum --check reads.
func (r *release) checksums(context.Context) error {
	var lines bytes.Buffer
	err := filepath.WalkDir(r.to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == sums {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(r.to, path)
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(content), filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.to, sums), lines.Bytes(), 0o644)
}
