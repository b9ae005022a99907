// Package source opens what an operator can do by the environment, or on a stack on AWS
// that is named.
package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"entrawebex/internal/app"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/app/stack"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
)

// Help is told of what a Source reads by every command that opens one. It takes 80
// columns.
const Help = `
Environment:
  ENTRAWEBEX_STACK        the stack on AWS, as --stack: queues, tables, secrets and
                          settings are those of its functions, found with your own
                          credentials (AWS_PROFILE, AWS_REGION, as AWS's tools read
                          them); nothing below is read then
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE, HISTORY_TABLE
                          or the queues and the tables on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data). While it
                          runs, it carries the command out itself
`

// Source is where the settings of an operator come from.
type Source struct {
	// Environ are the variables of the environment, in the form of os.Environ, and Stack
	// the name of the stack whose settings count instead; empty for none.
	Environ []string
	Stack   string
	// Log is told what is not as it should be.
	Log *slog.Logger

	// found are the settings of the stack, once they were asked for.
	found []string
}

// Settings returns the variables, in the form of os.Environ. A stack is asked once: who
// looks again and again looks at the same.
func (s *Source) Settings(ctx context.Context) ([]string, error) {
	if s.Stack == "" {
		return s.Environ, nil
	}
	if s.found == nil {
		found, err := stack.Environ(ctx, s.Stack)
		if err != nil {
			return nil, err
		}
		s.found = found
	}
	return s.found, nil
}

// With opens the stores, and does there what is asked for. The error is fs.ErrNotExist
// before a first start.
func (s *Source) With(ctx context.Context, do func(operator.Operations) error) error {
	return s.with(ctx, operations.Open, do)
}

// OrEmpty is With where there need be no stores yet: before the first start they are
// empty.
func (s *Source) OrEmpty(ctx context.Context, do func(operator.Operations) error) error {
	return s.with(ctx, operations.OpenOrEmpty, do)
}

// Checked are the settings of a run that can be checked from here: of a stack those of its
// functions, but for the webhook's, which stay between it and renew.
func (s *Source) Checked(ctx context.Context) (config.Settings, error) {
	environ, err := s.Settings(ctx)
	if err != nil {
		return config.Settings{}, err
	}
	part := config.OneProcess
	if s.Stack != "" {
		part = config.Planner
	}
	return config.Load(ctx, part, environ, config.Secret)
}

// opening opens the stores that an environment names.
type opening func(ctx context.Context, environ []string, log *slog.Logger) (*operations.Opened, error)

func (s *Source) open(ctx context.Context, open opening) (*operations.Opened, error) {
	environ, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, environ, s.Log)
}

func (s *Source) with(ctx context.Context, open opening, do func(operator.Operations) error) error {
	found, err := s.open(ctx, open)
	if err != nil {
		return err
	}
	return errors.Join(do(found), found.Close())
}

// Hold opens the stores for as long as they are needed where they may be held, until done
// is called, and else for each time.
func (s *Source) Hold(ctx context.Context) (with operator.With, done func() error, err error) {
	found, err := s.open(ctx, operations.Open)
	if err != nil {
		return nil, nil, err
	}
	if found.Last() {
		return func(_ context.Context, do func(operator.Operations) error) error { return do(found.Operations) }, found.Close, nil
	}
	return s.With, func() error { return nil }, found.Close()
}

// Rules are the mappings of a file, without a name those in force, and before the first
// start those that would be at it.
func (s *Source) Rules(ctx context.Context, file string) (mapping.Rules, error) {
	if file != "" {
		_, rules, err := ReadMapping(file)
		return rules, err
	}
	var rules mapping.Rules
	err := s.With(ctx, func(o operator.Operations) error {
		stored, err := o.Configuration(ctx, operator.ConfigurationRequest{})
		if err != nil {
			return err
		}
		rules, err = mapping.ParseFile(fmt.Sprintf("version %d of the configuration", stored.Number), stored.Text)
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		return rules, err
	}
	settings, err := config.Load(ctx, config.Operator, s.Environ, config.Secret) // a stack has a ledger
	if err != nil {
		return mapping.Rules{}, err
	}
	return app.BuiltIn(ctx, &settings)
}

// ReadMapping reads a mapping file in which nothing is wrong; without a name its text is
// empty.
func ReadMapping(file string) (text string, rules mapping.Rules, err error) {
	if file == "" {
		return "", mapping.Rules{}, nil
	}
	data, err := os.ReadFile(file)
	if err == nil {
		rules, err = mapping.ParseFile(file, data)
	}
	return string(data), rules, err
}
