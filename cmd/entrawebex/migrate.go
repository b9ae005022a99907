package main

import (
	"strings"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/terminal"
)

// migrateOptions are how moving in is looked at.
type migrateOptions struct {
	operator.MigrationRequest

	schema, mapping, folder string
	force, yes, onPurpose   bool
	asJSON                  bool
	findings                []synchronization.Finding // of the schema in a file
}

func (c console) migrateCommand() *cobra.Command {
	var o migrateOptions
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Shows what moving in from the gallery app would come to, and with --yes begins",
		Long: `Reads what Entra's own provisioning service does for the gallery app: its job, schema,
filters, scope and state. It makes a mapping file and settings of it, plans for
everybody as if these were in force, and says what would be the same, changed, created,
disabled, and what cannot be taken over. Nothing is written on either side. With -o
there are then in the folder

  provisioning.yaml   the mapping, for entrawebex mapping apply
  settings.env        the settings, and the parameters for AWS
  accounts.csv        every account, what would come of it and why
  schema.txt          what became of each line of the schema

The switch takes two commands, while Webex is paused (START_PAUSED=true):

  entrawebex mapping apply migration/provisioning.yaml --yes
  entrawebex migrate --yes

The second one lets writes begin. It refuses that while the gallery app's job is not
stopped or not found, a setting is another one than the gallery app's, no mapping was
applied, or it has all actions for users off, unless --on-purpose is said. The way back:
entrawebex pause webex, and start the job in the Entra admin center.

An application without a job, such as after Directory Connector or another tenant, is
looked at under the mapping in force: whose id each account carries is told.

It takes Synchronization.Read.All to read the job, which nothing else needs. Without it
the schema can be downloaded in the Entra admin center (Provisioning, Attribute
mapping, Advanced options, Edit schema): --schema FILE.
` + source.Help + `  ENTRA_…, WEBEX_…        as entrawebex run has them (entrawebex run --help)
`,
		Example: `  entrawebex migrate -o migration
  entrawebex migrate --app c7a1d9a2-6a0e-4d53-9c55-0b8f1f6f7a10
  entrawebex migrate --schema schema.json --scope assigned
  entrawebex migrate --mapping migration/provisioning.yaml
  entrawebex migrate --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.yes {
				return c.begin(cmd, o)
			}
			if err := o.read(cmd); err != nil {
				return err
			}
			return c.migrate(cmd, o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.AppID, "app", "", "the Application `ID` of the gallery app; without it, ENTRA_APP_ID")
	flags.StringVar(&o.Job, "job", "", "the `ID` of its provisioning job, if there are several")
	flags.StringVar(&o.Scope, "scope", "", "the gallery app's scope, if it cannot be read: assigned or all")
	flags.StringVar(&o.schema, "schema", "", "a downloaded schema `FILE` in place of the job's")
	flags.StringVar(&o.mapping, "mapping", "", "look by this mapping `FILE`, such as one that was edited")
	flags.StringVarP(&o.folder, "output", "o", "", "write the files into this `FOLDER`")
	flags.BoolVar(&o.force, "force", false, "overwrite the mapping and the settings that are in it")
	flags.BoolVar(&o.yes, "yes", false, "have writes to Webex begin")
	flags.BoolVar(&o.onPurpose, "on-purpose", false, "with --yes: whatever stands against it")
	flags.BoolVar(&o.asJSON, "json", false, "print one line of JSON, which has every account")
	command.MarkFlagsMutuallyExclusive("schema", "mapping", "yes")
	return command
}

// read reads the files to look by.
func (o *migrateOptions) read(cmd *cobra.Command) error {
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	file := o.schema + o.mapping // one of which is empty
	if file == "" {
		return nil
	}
	data, err := input(cmd, file)
	if err != nil {
		return err
	}
	if o.mapping != "" {
		o.Configuration = string(data)
		_, err := mapping.ParseFile(file, data)
		return err
	}
	o.Configuration, o.findings, err = synchronization.ImportFile(file, data)
	return err
}

// begin has writes begin.
func (c console) begin(cmd *cobra.Command, o migrateOptions) error {
	return c.source.With(cmd.Context(), func(found operator.Operations) error {
		r := operator.MigrateRequest{AppID: o.AppID, Job: o.Job, OnPurpose: o.onPurpose}
		done, err := found.Migrate(cmd.Context(), r)
		if err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd.OutOrStdout(), done)
		}
		terminal.Begun(cmd.OutOrStdout(), done)
		return nil
	})
}

// migrate looks what moving in would come to, prints it and writes the files.
func (c console) migrate(cmd *cobra.Command, o migrateOptions) error {
	var report *migration.Report
	err := c.source.OrEmpty(cmd.Context(), func(found operator.Operations) (err error) {
		var watcher plan.Watcher
		defer c.watch(cmd.ErrOrStderr(), &watcher)()
		o.Watched = c.terminal.Progress
		report, err = found.Migration(cmd.Context(), o.MigrationRequest, watcher)
		return err
	})
	if err != nil {
		return err
	}
	if o.findings != nil {
		report.Findings = o.findings
	}
	written := "-o FOLDER writes the mapping, the settings and a list of all."
	if o.folder != "" {
		made := report.Mapping
		if o.mapping != "" {
			made = "" // it is there
		}
		to := migration.Folder{Path: o.folder, Force: o.force, Findings: terminal.Findings, Rows: terminal.MigrationRows}
		files, err := to.Write(made, report)
		if err != nil {
			if !o.asJSON { // what took long to find out is told all the same
				c.terminal.Migration(cmd.OutOrStdout(), report, "The files were not written.")
			}
			return err
		}
		written = "In " + o.folder + " are " + strings.Join(files, ", ") + "."
	}
	if o.asJSON {
		return printJSON(cmd.OutOrStdout(), report)
	}
	c.terminal.Migration(cmd.OutOrStdout(), report, written)
	return nil
}
