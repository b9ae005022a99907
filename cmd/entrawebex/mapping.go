package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

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
