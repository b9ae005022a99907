package renew

// InUse is the error of CreateSubscription where Graph says that another
// subscription to the same resource and kinds of change is in the way: 409
// "Subscription Id … already exists for the requested combination".
// https://learn.microsoft.com/graph/api/subscription-post-subscriptions
type InUse struct {
	// ID is the id of that subscription, a lower-case GUID.
	ID string
	// Err is the *provision.Fault of the call, of the kind Exists.
	Err error
}

// Error implements error.
func (i *InUse) Error() string { return i.Err.Error() }

// Unwrap returns the fault.
func (i *InUse) Unwrap() error { return i.Err }
