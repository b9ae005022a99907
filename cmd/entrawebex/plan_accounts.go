package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strings"

	"entrawebex/internal/sweep"
)

// listFile is a list of accounts for a spreadsheet (RFC 4180).
type listFile struct {
	file *os.File
	csv  *csv.Writer
}

// createList begins a file that only this user can read: it names people.
func createList(path string, header ...string) (*listFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write the accounts: %w", err)
	}
	a := &listFile{file: file, csv: csv.NewWriter(file)}
	a.write(header...)
	return a, nil
}

func (a *listFile) add(one sweep.Account) {
	a.write(string(one.Class), string(one.Kind), one.Name, one.ID, one.WebexID)
}

// write appends a row. What fails is told at the end.
func (a *listFile) write(cells ...string) {
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	_ = a.csv.Write(cells) // csv.Writer.Error says it again
}

func (a *listFile) close() error {
	a.csv.Flush()
	if err := errors.Join(a.csv.Error(), a.file.Close()); err != nil {
		return fmt.Errorf("write the accounts: %w", err)
	}
	return nil
}

// harmless is a cell that no spreadsheet takes for a formula: a name is somebody
// else's to choose (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
