package demo

import (
	"fmt"
	"strings"
)

// fewest is how many users a day takes; fewer are the members of the largest group
// where much of the day is waited for.
const fewest, fewer = 4, 500

// Default has fewer members in the largest group where much of the day is waited for, unless
// somebody has said how many.
func (o *Options) Default(said bool) {
	if slow := o.Storm || o.Silent; slow && !said {
		o.Members = fewer
	}
}

// Check returns why no day can be played.
func (o *Options) Check() error {
	if o.Users < fewest || o.Members < 0 {
		return fmt.Errorf("a sandbox has %d users or more, and a largest group of 0 members or more", fewest)
	}
	return nil
}

// Begun is how a person begins this command line again: what go run has built is gone
// when it ends.
func Begun(program string) string {
	if strings.Contains(program, "go-build") {
		return "go run ./cmd/entrawebex"
	}
	return program
}
