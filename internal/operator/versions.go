package operator

import (
	"context"
	"errors"
	"fmt"

	udiff "github.com/aymanbagabas/go-udiff"

	"entrawebex/internal/configuration"
	"entrawebex/internal/plan"
)

// Former is the version of the configuration before the one in force.
func Former(ctx context.Context, o Operations) (configuration.Stored, error) {
	present, err := o.Configuration(ctx, ConfigurationRequest{})
	if err != nil {
		return configuration.Stored{}, err
	}
	if present.Number == 0 {
		return configuration.Stored{}, errors.New("what is built in is in force: there is nothing before it")
	}
	before := present.Number - 1
	return o.Configuration(ctx, ConfigurationRequest{Number: &before})
}

// Restoring is the request that takes a former version up again: the one before the one in
// force if number is nil.
func Restoring(ctx context.Context, o Operations, number *int) (ApplyRequest, error) {
	var former configuration.Stored
	var err error
	if number == nil {
		former, err = Former(ctx, o)
	} else {
		former, err = o.Configuration(ctx, ConfigurationRequest{Number: number})
	}
	return ApplyRequest{Text: string(former.Text), File: fileName(former), Restores: &former.Number}, err
}

// Preview is what a configuration would change.
type Preview struct {
	// Present is the one in force.
	Present configuration.Stored
	// Plan is what would be written to Webex; nil if the configuration is what is in force.
	Plan *plan.Plan
}

// Against is the plan of what the request changes of the configuration in force, and
// reports whether it is another one.
func (r ApplyRequest) Against(present configuration.Stored) (asked plan.Request, differs bool) {
	return plan.Request{All: true, Configuration: r.Text, Restores: r.Restores != nil}, string(present.Text) != r.Text
}

// Previewed looks what a configuration would change, and has the request say under which
// version that is so.
func Previewed(ctx context.Context, o Operations, r *ApplyRequest, watcher plan.Watcher) (p Preview, err error) {
	if p.Present, err = o.Configuration(ctx, ConfigurationRequest{}); err != nil {
		return Preview{}, err
	}
	r.After = p.Present.Number
	asked, differs := r.Against(p.Present)
	if !differs {
		return p, nil
	}
	asked.Watched = watcher.Progress != nil
	p.Plan, err = o.Plan(ctx, asked, watcher)
	return p, err
}

// Diff tells line by line what differs from one version of the configuration to another,
// or to the one in force if only one is given; without any, from the version before the
// one in force to that.
func Diff(ctx context.Context, o Operations, versions ...int) (string, error) {
	var from configuration.Stored
	var to ConfigurationRequest
	var err error
	if len(versions) == 0 {
		from, err = Former(ctx, o)
	} else {
		from, err = o.Configuration(ctx, ConfigurationRequest{Number: &versions[0]})
	}
	if err != nil {
		return "", err
	}
	if len(versions) > 1 {
		to.Number = &versions[1]
	}
	other, err := o.Configuration(ctx, to)
	return udiff.Unified(fileName(from), fileName(other), string(from.Text), string(other.Text)), err
}

// DiffFile tells what differs from the configuration in force to a file.
func DiffFile(ctx context.Context, o Operations, name, text string) (string, error) {
	present, err := o.Configuration(ctx, ConfigurationRequest{})
	return udiff.Unified(fileName(present), name, string(present.Text), text), err
}

// fileName is what a version is called as a file.
func fileName(v configuration.Stored) string { return fmt.Sprintf("version %d", v.Number) }
