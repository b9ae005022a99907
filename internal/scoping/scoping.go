// Package scoping says whom an administrator has put in the scope of
// provisioning: everybody, or those who are assigned to an enterprise
// application.
package scoping

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// DefaultAccess is the id of the app role of those who are assigned without
// one (https://learn.microsoft.com/graph/api/resources/approleassignment).
const DefaultAccess = "00000000-0000-0000-0000-000000000000"

// AsBefore stands for the app roles of somebody who is in scope as far as
// assignments decide, and whose assignments were not read again.
const AsBefore = "as before"

// Roles decides by the app roles somebody is assigned in.
type Roles struct {
	// ExcludeDefault leaves those out who have the default access and no other
	// role. Microsoft's tutorial for Webex says that they are, its
	// documentation of the service that since 2020 they are not.
	ExcludeDefault bool
}

// Cover reports whether an assignment in these roles is one to the scope.
func (r Roles) Cover(roles []string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return !r.ExcludeDefault || role != DefaultAccess })
}

// Application is the enterprise application whose assignments are the scope.
// It is safe for concurrent use.
type Application struct {
	// AppID is its application (client) id, a GUID.
	AppID string
	// Find returns the object id of the service principal with an application
	// id.
	Find func(ctx context.Context, appID string) (string, error)

	mu sync.Mutex
	id string
}

// ID returns the object id of the application's service principal, which it
// asks for once.
func (a *Application) ID(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id != "" {
		return a.id, nil
	}
	id, err := a.Find(ctx, a.AppID)
	if err != nil {
		return "", fmt.Errorf("find the enterprise application %s: %w", a.AppID, err)
	}
	a.id = id
	return id, nil
}
