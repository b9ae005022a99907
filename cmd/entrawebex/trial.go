package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/scoping"
)

// testOptions are how a mapping is tested.
type testOptions struct {
	// mapping is the file to test; empty for what is in force.
	mapping string
	asJSON  bool
}

func (c console) testMappingCommand() *cobra.Command {
	var options testOptions
	command := &cobra.Command{
		Use:   "test (USER | GROUP | FILE.json)",
		Short: "Shows what a mapping makes of one user or group, step by step",
		Long: `Shows each source value, each step of each expression, the clauses of the scoping
filter with their outcome, and the body that would be posted to Webex to create the
user or group. It writes nothing.

USER and GROUP are read from Entra as it is now, and named as with entrawebex plan: by
object id, userPrincipalName, the userName in Webex, or displayName. FILE.json holds
one of them as Graph answers GET /users/{id} or GET /groups/{id}; for it no account and
no ledger is needed. Without a ledger what is built in, or MAPPING_FILE, is tested.

What Graph does not show is told apart from null: it is not known. A … in a step is an
argument that was not looked at.

--json prints one line: object, name, mappings (target, type, expression, sources with
their state, which is value, null or absent, steps, and for creation and update the
outcome, which is written, default, left alone, cleared or fault, with value and why),
filter (groups of clauses, each with its outcome, which is holds, fails or undetermined),
verdict, body and notes.
` + storesHelp + `  ENTRA_…, WEBEX_…, SCOPE, NESTED_GROUPS, DEFAULT_ACCESS
                          for USER and GROUP, as entrawebex run has them
`,
		Example: `  entrawebex mapping test ada@example.com
  entrawebex mapping test "All staff" --json
  entrawebex mapping test ada@example.com --mapping provisioning.yaml
  entrawebex mapping test user.json --mapping provisioning.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := c.try(cmd.Context(), args[0], options)
			if err != nil {
				return err
			}
			if options.asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(made)
			}
			c.terminal.Trial(cmd.OutOrStdout(), made)
			return nil
		},
	}
	command.Flags().StringVar(&options.mapping, "mapping", "", "test this mapping `FILE` and not the one in force")
	command.Flags().BoolVar(&options.asJSON, "json", false, "print one line of JSON")
	return command
}

// try maps what is named: in a file, or in Entra.
func (c console) try(ctx context.Context, name string, options testOptions) (plan.Trial, error) {
	if strings.HasSuffix(name, ".json") {
		return c.tryFile(ctx, name, options.mapping)
	}
	r := operator.TestRequest{Name: name}
	if options.mapping != "" {
		text, err := os.ReadFile(options.mapping)
		if err != nil {
			return plan.Trial{}, err
		}
		if _, err := mapping.ParseFile(options.mapping, text); err != nil {
			return plan.Trial{}, err
		}
		r.Configuration = string(text)
	}
	var made plan.Trial
	err := c.orEmpty(ctx, func(o operator.Operations) (err error) {
		made, err = o.TestMapping(ctx, r)
		return err
	})
	return made, err
}

// tryFile maps the user or group in a file, who is taken for assigned and has nothing
// in Webex.
func (c console) tryFile(ctx context.Context, name, file string) (plan.Trial, error) {
	source, err := os.Open(name)
	if err != nil {
		return plan.Trial{}, err
	}
	defer func() { _ = source.Close() }() // which is only read
	shown, err := entra.Decode(source)
	if err != nil {
		return plan.Trial{}, fmt.Errorf("%s: %w", name, err)
	}
	rules, err := c.tested(ctx, file)
	if err != nil {
		return plan.Trial{}, err
	}
	t := plan.Try(rules, scoping.Rules{Filters: rules.Filters()}, scoping.Subject{
		Kind: shown.Kind, SoftDeleted: shown.SoftDeleted, Attributes: shown.Attributes, MemberOf: shown.MemberOf(rules.Users.Filter().Groups()),
	}, time.Now())
	t.Notes = append(t.Notes, "of a file it is not asked who is assigned to the enterprise application, or is in Webex already")
	if _, managed := shown.Attributes["manager"].(string); managed && rules.Users.Manager() != "" {
		t.Notes = append(t.Notes, "of a file the manager is by the id that Entra has: Webex gets the id of that user's account")
	}
	return t, nil
}

// tested are the mappings of a file, else those in force, else those that would be at
// a first start.
func (c console) tested(ctx context.Context, file string) (mapping.Rules, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return mapping.Rules{}, err
		}
		return mapping.ParseFile(file, text)
	}
	var rules mapping.Rules
	err := c.with(ctx, func(o operator.Operations) error {
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
	settings, err := config.Load(ctx, config.Operator, c.source.environ, config.Secret) // a stack has a ledger
	if err != nil {
		return mapping.Rules{}, err
	}
	return app.BuiltIn(ctx, &settings)
}
