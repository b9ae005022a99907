package operator

import (
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/config"
)

func TestWhoLeavesAWSIsToldWhatWouldKeepTheStackThere(t *testing.T) {
	t.Parallel()
	s := config.Settings{AWS: config.AWS{LedgerTable: "ledger"}}
	detach := func(r Remains) bool {
		return strings.Contains(r.Where, "OperatorPolicyArn") && strings.HasPrefix(r.Then, "detach it")
	}
	if !slices.ContainsFunc(remains(&s), detach) || slices.ContainsFunc(remains(&config.Settings{}), detach) {
		t.Error("on AWS, and only there, a policy that is attached keeps the stack")
	}
}
