package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/mapping"
)

// mappingCommand looks at mapping files, and at the one in force.
func (c console) mappingCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "mapping",
		Short: "Checks a mapping file, brings it into force and takes it back; imports Entra's",
		Args:  cobra.NoArgs,
	}
	command.AddCommand(offer(c.source, c.configurationCommands()...)...)
	command.AddCommand(offer(c.source, c.testMappingCommand())...)
	command.AddCommand(c.schemaCommands()...)
	command.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Says all that is wrong with a mapping file",
		Long: `Says all that is wrong with a mapping file, a line each:

  FILE:line:column: what is wrong; what to write instead

It reads nothing but the file, and exits with 1 if something is wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return checkMapping(cmd, args[0]) },
	})
	return command
}

func checkMapping(cmd *cobra.Command, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := mapping.ParseFile(file, data); err != nil {
		fmt.Fprintln(cmd.OutOrStdout(), err)
		return errReported
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: nothing is wrong\n", file)
	return nil
}

func (c console) testMappingCommand() *cobra.Command {
	var file string
	var asJSON *bool
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
` + source.Help + `  ENTRA_…, WEBEX_…, SCOPE, NESTED_GROUPS, DEFAULT_ACCESS
                          for USER and GROUP, as entrawebex run has them
`,
		Example: `  entrawebex mapping test ada@example.com
  entrawebex mapping test "All staff" --json
  entrawebex mapping test ada@example.com --mapping provisioning.yaml
  entrawebex mapping test user.json --mapping provisioning.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := c.source.Try(cmd.Context(), args[0], file)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), made)
			}
			c.terminal.Trial(cmd.OutOrStdout(), made)
			return nil
		},
	}
	asJSON = jsonFlag(command, oneLine)
	command.Flags().StringVar(&file, "mapping", "", "test this mapping `FILE` and not the one in force")
	return command
}
