package check

import (
	"context"
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

// mostProtected is how many of PROTECTED_USERS are looked for.
const mostProtected = 100

// checkProtected names those of PROTECTED_USERS whom nobody knows: a name that is
// misspelt protects nobody.
func checkProtected(ctx context.Context, directory *entra.Client, target *webex.Client, s *config.Settings, tell func(Result)) {
	known := 0
	for i, name := range s.Protected {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if i >= mostProtected {
			tell(Result{What: "Protected users", Detail: fmt.Sprintf("%d more were not looked for", len(s.Protected)-i), Note: true})
			break
		}
		is, err := isKnown(ctx, directory, target, name)
		switch shown := printable.Short(name, longestProtected); {
		case err != nil:
			tell(Result{What: "Protected users", Err: fmt.Errorf("look for %s: %w", shown, err)})
		case !is:
			tell(Result{What: "Protected users", Err: fmt.Errorf("PROTECTED_USERS has %s, which is the object id, userPrincipalName or mail address of nobody in Entra, and the userName of nobody in Webex: correct it, or take it off", shown)})
		default:
			known++
		}
	}
	if known > 0 {
		tell(Result{What: "Protected users", Detail: fmt.Sprintf("%d are known", known)})
	}
}

// longestProtected is how many characters of a name are told.
const longestProtected = 100

// isKnown reports whether somebody has the id or the name, on either side.
func isKnown(ctx context.Context, directory *entra.Client, target *webex.Client, name string) (bool, error) {
	if id, ok := change.ParseID(name); ok {
		for _, kind := range change.Kinds() {
			reading := directory.Read(ctx, []provision.Query{{Object: change.Object{Kind: kind, ID: id}}})[0]
			if reading.Err != nil || reading.Presence != provision.Absent {
				return reading.Err == nil, reading.Err
			}
		}
		return false, nil
	}
	if !strings.Contains(name, "@") {
		return false, nil // Find would take a displayName, which protects nobody
	}
	found, err := directory.Find(ctx, name)
	if err != nil || len(found) > 0 {
		return err == nil, err
	}
	accounts, err := target.Named(ctx, change.User, name)
	return len(accounts) > 0, err
}
