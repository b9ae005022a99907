package provision

import "context"

// ListedGroup is a group as a list of all groups shows it.
type ListedGroup struct {
	Resource

	// Members are the Webex ids of members that are users, as far as the list
	// shows them.
	Members []string
	// Whole says that Members are all of them. If it is false there may be
	// more, or the list does not say: Target.Members reads them.
	Whole bool
}

// Lister is Webex as a sweep reads it. What a list shows is there; nothing
// follows from what it does not show: who moves to an earlier place while the
// pages are read, because somebody before was deleted, is on none of them.
type Lister interface {
	// Users calls each with all users, page by page, until it returns an
	// error, which is returned as it is. Any other error is a *Fault, and what
	// was listed until then stays true. The attributes on a page are good until
	// each returns, and are written over by those of the next.
	Users(ctx context.Context, each func(page []Resource) error) error
	// Groups does the same with all groups.
	Groups(ctx context.Context, each func(page []ListedGroup) error) error
}
