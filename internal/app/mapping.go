package app

import (
	"fmt"
	"os"

	"entrawebex/infra"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
)

// rulesOf reads the mapping that the settings name, on one machine, or else the one
// that is built in.
func rulesOf(s *config.Settings) (mapping.Rules, error) {
	if s.MappingFile == "" {
		return mapping.Parse(infra.Provisioning())
	}
	data, err := os.ReadFile(s.MappingFile)
	if err != nil {
		return mapping.Rules{}, fmt.Errorf("MAPPING_FILE: %w", err)
	}
	return mapping.ParseFile(s.MappingFile, data)
}
