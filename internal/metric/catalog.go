package metric

// The dimensions.
const (
	dimStatus     = "Status"
	dimAction     = "Action"
	dimSide       = "Side"
	dimReason     = "Reason"
	dimKind       = "Kind"
	dimCredential = "Credential"
	dimClass      = "Class"
	dimOutcome    = "Outcome"
)

// What the webhook counts.
const (
	Received Metric = "NotificationsReceived"
	Queued   Metric = "ChangesQueued"
	Dropped  Metric = "NotificationsDropped"
)

// What an attempt adds to, in the worker and in a comparison.
const (
	Attempts Metric = "Attempts"
	Faults   Metric = "Faults"
	Holds    Metric = "Holds"
	Latency  Metric = "Latency"
	Wait     Metric = "QueueWait"
	Letters  Metric = "DeadLetters"
)

// What is counted of the calls to a side, wherever they are made.
const (
	Calls     Metric = "Calls"
	Throttles Metric = "Throttles"
)

// The states that renew tells every minute.
const (
	Latched  Metric = "GuardIsLatched"
	Paused   Metric = "SideIsPaused"
	DaysLeft Metric = "CredentialDaysLeft"
)

// What reconcile tells of comparisons of everything, and replay of what it put back.
const (
	Comparisons Metric = "Comparisons"
	Compared    Metric = "ComparedObjects"
	Comparing   Metric = "ComparisonDuration"
	Replayed    Metric = "Replayed"
)

// All returns every metric.
func All() []Definition {
	return []Definition{
		{Metric: Received, Unit: Count, Help: "notifications that Graph delivered"},
		{Metric: Queued, Unit: Count, Help: "changes that the webhook put on the queue"},
		{Metric: Dropped, Unit: Count, Dimensions: []string{dimReason}, Help: "notifications that were not taken, by why"},
		{Metric: Attempts, Unit: Count, Dimensions: []string{dimStatus, dimAction}, Help: "attempts, by how they ended and what they did"},
		{Metric: Faults, Unit: Count, Dimensions: []string{dimKind}, Help: "attempts that failed, by the kind of fault"},
		{Metric: Holds, Unit: Count, Help: "attempts that the guard, or a protected user, held for a person"},
		{Metric: Latency, Unit: Milliseconds, Help: "from the arrival of Graph's notification to Webex's answer"},
		{Metric: Wait, Unit: Milliseconds, Help: "from the arrival of Graph's notification until the object was claimed"},
		{Metric: Letters, Unit: Count, Help: "changes that were sent to the dead-letter queue"},
		{Metric: Calls, Unit: Count, Dimensions: []string{dimSide}, Help: "calls that a side answered"},
		{Metric: Throttles, Unit: Count, Dimensions: []string{dimSide}, Help: "answers by which a side said that calls come too often"},
		{Metric: Latched, Unit: None, Help: "1 while the guard is latched, else 0"},
		{Metric: Paused, Unit: None, Dimensions: []string{dimSide}, Help: "1 while the side is paused, else 0"},
		{Metric: DaysLeft, Unit: None, Dimensions: []string{dimCredential}, Help: "days until the credential ends, as far as that is known"},
		{Metric: Comparisons, Unit: Count, Dimensions: []string{dimOutcome}, Help: "runs of a comparison of everything, by how they ended"},
		{Metric: Compared, Unit: Count, Dimensions: []string{dimClass}, Help: "what a comparison of everything found, by its class"},
		{Metric: Comparing, Unit: Seconds, Help: "how long a run of a comparison took"},
		{Metric: Replayed, Unit: Count, Help: "dead letters that the replay function put back one by one"},
	}
}
