package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"entrawebex/internal/configuration"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

// mapped is what the page of the mapping shows.
type mapped struct {
	// File is the version that is looked at, Versions all, the one in force first.
	File     configuration.Stored
	Versions []configuration.Version
	// Name is who was asked for, Trial what the mapping makes of it, step by step, and
	// Unknown why nothing.
	Name, Trial, Unknown string
	// Preview is what somebody thinks of bringing into force.
	Preview planned
}

// Text is the file.
func (m mapped) Text() string { return string(m.File.Text) }

// InForce reports whether a version is what everything goes by.
func (m mapped) InForce(number int) bool { return m.Versions[0].Number == number }

func (p *pages) mapping(r *http.Request, o operator.Operations) (view, error) {
	ctx := r.Context()
	v := view{Title: "Mapping", Here: "/mapping", Template: "mapping"}
	m := mapped{Name: r.FormValue("name"), Preview: p.previewed()}
	var asked operator.ConfigurationRequest
	if text := r.FormValue("version"); text != "" {
		number, err := versionOf(text)
		if err != nil {
			return v, err
		}
		asked.Number = &number
	}
	var err error
	if m.File, err = o.Configuration(ctx, asked); err != nil {
		return v, err
	}
	if m.Versions, err = o.Configurations(ctx); err != nil {
		return v, err
	}
	if m.Name != "" {
		if m.Trial, err = tried(ctx, o, m.Name); err != nil {
			m.Unknown = err.Error() // the rest of the page stands
		}
	}
	v.Body = m
	return v, nil
}

// tried is what the mapping in force makes of somebody, as the command line tells it.
func tried(ctx context.Context, o operator.Operations, name string) (string, error) {
	made, err := o.TestMapping(ctx, operator.TestRequest{Name: name})
	if err != nil {
		return "", err
	}
	var steps strings.Builder
	terminal.Terminal{}.Trial(&steps, made)
	return steps.String(), nil
}

func versionOf(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return 0, &operator.Error{Kind: operator.Invalid, Message: fmt.Sprintf("%.20q is no version: versions are numbered from 0", text)}
	}
	return number, nil
}

// pasted is the file of a form. A browser sends each end of a line as two characters.
func pasted(_ context.Context, _ operator.Operations, form url.Values) (operator.ApplyRequest, error) {
	return operator.ApplyRequest{Text: strings.ReplaceAll(form.Get("text"), "\r\n", "\n"), File: "the file"}, nil
}

// former is the version that a form takes up again.
func former(ctx context.Context, o operator.Operations, form url.Values) (operator.ApplyRequest, error) {
	number, err := versionOf(form.Get("version"))
	if err != nil {
		return operator.ApplyRequest{}, err
	}
	return operator.Restoring(ctx, o, &number)
}

// wanted is the configuration that a form wants in force.
type wanted func(ctx context.Context, o operator.Operations, form url.Values) (operator.ApplyRequest, error)

// apply brings a configuration into force, if what was in force when it was shown still is.
func apply(of wanted) func(context.Context, operator.Operations, url.Values) (notice, error) {
	return func(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
		r, err := of(ctx, o, form)
		if err != nil {
			return notice{}, err
		}
		if r.After, err = versionOf(form.Get("after")); err != nil {
			return notice{}, err
		}
		r.By, r.Note = operator.Actor(ctx), form.Get("note")
		v, err := o.Apply(ctx, r)
		return notice{
			Text: fmt.Sprintf("Version %d is in force: within a minute everything goes by it.", v.Number),
			Link: "/", LinkText: "See how far that is",
		}, err
	}
}
