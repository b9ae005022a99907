package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/mapping"
	"entrawebex/internal/plan"
)

// ConfigurationRequest asks for a version of the configuration.
type ConfigurationRequest struct {
	// Number is the version's; nil for the one in force.
	Number *int `json:"number,omitempty"`
}

// ApplyRequest asks for a configuration to come into force.
type ApplyRequest struct {
	// Text is provisioning.yaml, File what it is called in what is said of it.
	Text string `json:"text"`
	File string `json:"file,omitempty"`
	// After is the version that was in force when it was looked at: where that is
	// another one by now, nothing is applied.
	After int `json:"after"`
	// By is who applies it, Note why.
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
	// Restores is the version that it takes up again; nil for none.
	Restores *int `json:"restores,omitempty"`
}

// Validate returns all that is wrong with the configuration.
func (r ApplyRequest) Validate() error {
	_, err := mapping.ParseFile(r.File, []byte(r.Text))
	return err
}

func (o *Operator) configurations(ctx context.Context) (*configuration.Store, error) {
	if err := o.bound(ctx); err != nil {
		return nil, err
	}
	return o.Configured()
}

// Configuration returns a version of the configuration with its text.
func (o *Operator) Configuration(ctx context.Context, r ConfigurationRequest) (configuration.Stored, error) {
	store, err := o.configurations(ctx)
	if err != nil {
		return configuration.Stored{}, err
	}
	if r.Number == nil {
		v, err := store.InForce(ctx)
		if err != nil {
			return configuration.Stored{}, err
		}
		r.Number = &v.Number
	}
	return store.Read(ctx, *r.Number)
}

// Configurations are the versions that were in force, the latest first. The last is
// the default, which serves until one is applied.
func (o *Operator) Configurations(ctx context.Context) ([]configuration.Version, error) {
	store, err := o.configurations(ctx)
	if err != nil {
		return nil, err
	}
	return store.History(ctx)
}

// Apply brings a configuration into force. Within a minute everything goes by it, and
// those are evaluated anew whom it affects.
func (o *Operator) Apply(ctx context.Context, r ApplyRequest) (configuration.Version, error) {
	if err := r.Validate(); err != nil {
		return configuration.Version{}, invalid(err)
	}
	store, err := o.configurations(ctx)
	if err != nil {
		return configuration.Version{}, err
	}
	began := o.Now()
	v, err := store.Apply(ctx, []byte(r.Text), r.After, configuration.Version{By: r.By, Note: r.Note, Restores: r.Restores})
	o.applied(As(ctx, r.By), r, v, began, err)
	if err != nil {
		return configuration.Version{}, err
	}
	o.Log.WarnContext(ctx, "a configuration was applied", "version", v.Number, "by", v.By)
	return v, nil
}

// applied keeps that a configuration came into force, or did not.
func (o *Operator) applied(ctx context.Context, r ApplyRequest, v configuration.Version, began time.Time, err error) {
	name, reason := actApply, fmt.Sprintf("version %d", v.Number)
	if r.Restores != nil {
		name, reason = actRollback, fmt.Sprintf("version %d, which is version %d again", v.Number, *r.Restores)
	}
	if err != nil {
		reason = fmt.Sprintf("after version %d", r.After)
	}
	if r.Note != "" {
		reason += ": " + r.Note
	}
	o.act(ctx, name, began, reason, err)
}

// TestRequest asks what a configuration makes of one user or group.
type TestRequest struct {
	// Name is a name or id, as a plan.Request has it.
	Name string `json:"name"`
	// Configuration is the one to test; empty for the one in force.
	Configuration string `json:"configuration,omitempty"`
}

// TestMapping maps one user or group as Entra has it now, and tells each step. It
// writes nothing.
func (o *Operator) TestMapping(ctx context.Context, r TestRequest) (plan.Trial, error) {
	asked := plan.Request{Name: r.Name, Configuration: r.Configuration}
	if r.Name == "" {
		return plan.Trial{}, invalid(errors.New("name one user or group"))
	}
	if err := o.bound(ctx); err != nil {
		return plan.Trial{}, err
	}
	planner, err := o.planner(ctx, asked, plan.Watcher{})
	if err != nil {
		return plan.Trial{}, err
	}
	made, err := planner.Try(ctx, r.Name)
	if id := o.former(ctx, r.Name, err); id != "" {
		return planner.Try(ctx, id)
	}
	return made, err
}

// rulesOf are the rules of a plan: those in force, or others, under which what the
// present ones write is taken away where they take up a former version again.
func (o *Operator) rulesOf(ctx context.Context, s *config.Settings, r plan.Request) (mapping.Rules, error) {
	present, err := app.RulesInForce(ctx, s, o.Ledger)
	if err != nil || r.Configuration == "" {
		return present, err
	}
	rules, err := mapping.Parse([]byte(r.Configuration))
	if err != nil {
		return mapping.Rules{}, invalid(fmt.Errorf("what is planned by is wrong: %w", err))
	}
	if r.Restores {
		rules = rules.Clearing(present)
	}
	return rules, nil
}
