package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/document"
	"entrawebex/internal/mapping"
)

// Configurations are those that were applied, and the one that is built in until one
// is. On one machine the file that the settings name takes the place of all.
func Configurations(s *config.Settings, documents document.Store) (*configuration.Store, error) {
	store := &configuration.Store{Documents: documents, Default: infra.Provisioning(), Name: mapping.FileName, Now: time.Now}
	if s.MappingFile == "" {
		return store, nil
	}
	data, err := os.ReadFile(s.MappingFile)
	if err != nil {
		return nil, fmt.Errorf("MAPPING_FILE: %w", err)
	}
	store.Documents, store.Default, store.Name = fileInForce{}, data, s.MappingFile
	return store, nil
}

// fileInForce has no configuration applied, and lets none be.
type fileInForce struct{}

// Document implements document.Store.
func (fileInForce) Document(context.Context, string) ([]byte, int64, error) { return nil, 0, nil }

// PutDocument implements document.Store.
func (fileInForce) PutDocument(context.Context, string, []byte, int64) error {
	return errors.New("MAPPING_FILE is set and takes the place of what is applied: edit that file, or take the setting away")
}

// rulesOf are the mappings of a version.
func rulesOf(ctx context.Context, store *configuration.Store, number int) (mapping.Rules, error) {
	stored, err := store.Read(ctx, number)
	switch {
	case err != nil:
		return mapping.Rules{}, err
	case number == 0:
		rules, err := mapping.ParseFile(store.Name, stored.Text)
		if err != nil && store.Name != mapping.FileName {
			err = fmt.Errorf("%w\nMAPPING_FILE names that file: see entrawebex mapping check %s", err, store.Name)
		}
		return rules, err
	}
	rules, err := mapping.ParseFile(fmt.Sprintf("version %d of the configuration", number), stored.Text)
	if err != nil {
		return mapping.Rules{}, fmt.Errorf("%w\nthis program does not take it any more: apply one that it takes", err)
	}
	return rules, nil
}

// RulesInForce are the mappings in force.
func RulesInForce(ctx context.Context, s *config.Settings, documents document.Store) (mapping.Rules, error) {
	store, err := Configurations(s, documents)
	if err != nil {
		return mapping.Rules{}, err
	}
	v, err := store.InForce(ctx)
	if err != nil {
		return mapping.Rules{}, err
	}
	return rulesOf(ctx, store, v.Number)
}

// BuiltIn are the mappings that serve until one is applied.
func BuiltIn(ctx context.Context, s *config.Settings) (mapping.Rules, error) {
	return RulesInForce(ctx, s, fileInForce{})
}
