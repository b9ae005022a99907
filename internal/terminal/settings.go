package terminal

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"entrawebex/internal/config"
	"entrawebex/internal/printable"
)

// Settings prints those that have a value, and where it comes from.
func Settings(out io.Writer, values []config.Value) {
	const valueWidth, fromWidth = 24, 19
	w := table.NewWriter()
	w.SetOutputMirror(out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"Setting", "Value", "Comes from"})
	for _, v := range values {
		if !v.Set && v.From == config.FromDefault && v.Value == "" {
			continue
		}
		w.AppendRow(table.Row{v.Name, fold(valueWidth, SettingValue(v)), fold(fromWidth, SettingSource(v))})
	}
	w.Render()
}

// SettingValue is the value of a setting as people read it.
func SettingValue(v config.Value) string {
	switch {
	case v.Secret && v.Set:
		return "a secret, not shown"
	case v.Value == "":
		return "nothing"
	default:
		return printable.Text(v.Value)
	}
}

// SettingSource says where it comes from, and what it would be if nothing were said.
func SettingSource(v config.Value) string {
	if v.From != config.FromDefault && v.Default != "" {
		return printable.Text(v.From) + ", else " + v.Default
	}
	return printable.Text(v.From)
}
