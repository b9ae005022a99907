package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

// schemaCommands take a mapping over from Entra's own provisioning service, and back.
func (c console) schemaCommands() []*cobra.Command {
	return append(offer(c.source, c.exportCommand()), importCommand())
}

func destinationFlags(command *cobra.Command, d *terminal.Destination) {
	command.Flags().StringVarP(&d.File, "output", "o", "", "the file to write; without it, standard output")
	command.Flags().BoolVar(&d.Force, "force", false, "overwrite the file that -o names")
}

func importCommand() *cobra.Command {
	var to terminal.Destination
	command := &cobra.Command{
		Use:   "import FILE",
		Short: "Makes a mapping file of the one that Entra's own provisioning service has",
		Long: `Makes a mapping file of the synchronization schema of Entra's own provisioning service:
what the portal downloads (the enterprise application, Provisioning, Attribute mapping,
Advanced options, Edit schema, Download), or what Graph answers to

  GET /servicePrincipals/{id}/synchronization/jobs/{jobId}/schema

FILE may be - for standard input. The mapping file goes to standard output, and to
standard error what became of each line of the schema:

  taken over         it means the same here
  differs            it is written, and not quite the same
  ignored by Webex   there is no such attribute
  not taken over     there is no way to say it here

The file can be read by entrawebex mapping check. If a part of a scoping filter is not
taken over, the actions of its kind are off in the file until you turn them on: half a
filter would create or close accounts that it must not.

It reads nothing but FILE and brings nothing into force: entrawebex mapping apply does.
It exits with 1 if no file can be made of it, and not for what is not taken over.`,
		Example: `  entrawebex mapping import schema.json -o provisioning.yaml
  az rest --url https://graph.microsoft.com/v1.0/servicePrincipals/ID/synchronization/jobs/JOB/schema |
    entrawebex mapping import - > provisioning.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := input(cmd, args[0])
			if err != nil {
				return err
			}
			text, findings, err := synchronization.ImportFile(args[0], data)
			if err != nil {
				return err
			}
			if err := to.Write(cmd.OutOrStdout(), []byte(text)); err != nil {
				return err
			}
			terminal.Findings(cmd.ErrOrStderr(), findings)
			return nil
		},
	}
	destinationFlags(command, &to)
	return command
}

func (c console) exportCommand() *cobra.Command {
	var to terminal.Destination
	command := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Makes a schema for Entra's own provisioning service of a mapping file",
		Long: `Makes a synchronization schema for Entra's own provisioning service of a mapping file,
or without FILE of the mapping in force. FILE may be - for standard input. The schema
goes to standard output, and to standard error what Entra has no word for.

Entra takes a schema only with the names of directories and objects that it has there.
In the portal's schema editor (the enterprise application, Provisioning, Attribute
mapping, Advanced options, Edit schema) put attributeMappings, scope and flowTypes into
the object mappings that are there.

It exits with 1 if something is wrong with FILE.
` + source.Help,
		Example: `  entrawebex mapping export -o schema.json
  entrawebex mapping export provisioning.yaml > schema.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				data, err := input(cmd, args[0])
				if err != nil {
					return err
				}
				return exportMapping(cmd, args[0], data, to)
			}
			return c.source.With(cmd.Context(), func(o operator.Operations) error {
				stored, err := storedVersion(cmd.Context(), o, nil)
				if err != nil {
					return err
				}
				return exportMapping(cmd, fmt.Sprintf("version %d", stored.Number), stored.Text, to)
			})
		},
	}
	destinationFlags(command, &to)
	return command
}

func exportMapping(cmd *cobra.Command, name string, data []byte, to terminal.Destination) error {
	schema, findings, err := synchronization.Export(name, data)
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), err)
		return errReported
	}
	if err := to.Write(cmd.OutOrStdout(), schema); err != nil {
		return err
	}
	terminal.Findings(cmd.ErrOrStderr(), findings)
	return nil
}

// input reads a file, or standard input for a hyphen.
func input(cmd *cobra.Command, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(file)
}
