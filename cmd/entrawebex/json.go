package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// How --json is told by commands that find one thing, and by those that find many.
const (
	oneLine  = "print one line of JSON"
	lineEach = "print a line of JSON for each"
)

// jsonFlag offers --json: the fields of what is printed are told in docs/json.md.
func jsonFlag(c *cobra.Command, what string) *bool { return c.Flags().Bool("json", false, what) }

// printJSON prints each as a line of JSON.
func printJSON[T any](out io.Writer, each ...T) error {
	encoder := json.NewEncoder(out)
	for _, one := range each {
		if err := encoder.Encode(one); err != nil {
			return fmt.Errorf("print it as JSON: %w", err)
		}
	}
	return nil
}
