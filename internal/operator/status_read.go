package operator

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

// Status reads how things stand, every record included.
func (o *Operator) Status(ctx context.Context) (Status, error) {
	if err := o.bound(ctx); err != nil {
		return Status{}, err
	}
	s := Status{
		At: o.Now().UTC(), Paused: pause.State{}, Holds: Holds{Blocked: []change.Object{}}, Faults: map[string]int{}, Worst: []Fault{},
		Names: map[string]string{}, Attention: []string{}, Retried: []string{}, Served: o.Served,
	}
	// Records say something newer of whom the comparison found, and names are those of
	// all who are told.
	for _, read := range []func(context.Context, *Status) error{
		o.readRests, o.readJobs, o.readEnds, o.readQueues, o.readOldest, o.readLatency, o.readRecords, o.readNames,
	} {
		if err := read(ctx, &s); err != nil {
			return Status{}, err
		}
	}
	s.attend(s.At)
	return s, nil
}

// readRests reads what does not go on, and why.
func (o *Operator) readRests(ctx context.Context, s *Status) (err error) {
	if s.Paused, err = o.pauses().State(ctx); err != nil {
		return err
	}
	s.GuardLatchedSince, err = o.guard().Latched(ctx)
	return err
}

// readJobs reads what is done again and again.
func (o *Operator) readJobs(ctx context.Context, s *Status) (err error) {
	if s.Compared, err = (&sweep.Schedule{Requests: o.requests(), Now: o.Now, Log: o.Log}).State(ctx); err != nil {
		return err
	}
	if s.Subscriptions, err = o.subscriptions(ctx); err != nil {
		return err
	}
	s.Subscribed = len(o.Subscribed)+len(s.Subscriptions) > 0
	if s.Alive, err = renew.ReadAlive(ctx, o.Ledger); err != nil {
		return err
	}
	s.Jobs, err = o.jobs(ctx)
	return err
}

// readEnds reads what runs out.
func (o *Operator) readEnds(ctx context.Context, s *Status) error {
	token, err := renew.ReadToken(ctx, o.Ledger)
	if err != nil {
		return err
	}
	s.Token = Token{Access: token.AccessEnds, Refresh: token.RefreshEnds, Warning: token.Warning(s.At).Why}
	secret, err := renew.ReadSecret(ctx, o.Ledger)
	s.Secret = Secret{Credential: secret.Credential, Ends: secret.Ends, Unknown: secret.Unknown, Warning: secret.Warning(s.At).Why}
	return err
}

func (o *Operator) readQueues(ctx context.Context, s *Status) error {
	changes, err := o.Changes.Depth(ctx)
	if err != nil {
		return err
	}
	letters, err := o.DeadLetters.Depth(ctx)
	s.Waiting, s.InFlight, s.Oldest = changes.Visible, changes.InFlight, changes.Oldest
	s.DeadLetters = letters.Visible + letters.InFlight
	return err
}

// Oldest is the oldest change of a queue, as somebody else than the queue has it.
type Oldest struct {
	// Since is when it was queued, AsOf when that was measured.
	Since, AsOf time.Time
}

// readOldest asks for the age that the queue does not tell. All else is told without it.
func (o *Operator) readOldest(ctx context.Context, s *Status) error {
	if o.Oldest == nil || s.Waiting+s.InFlight == 0 {
		return nil
	}
	found, err := o.Oldest(ctx)
	if err != nil {
		s.OldestUnknown = err.Error()
		return ctx.Err()
	}
	s.Oldest, s.OldestAsOf = found.Since, found.AsOf
	return nil
}

func (o *Operator) readRecords(ctx context.Context, s *Status) error {
	s.found()
	err := o.Ledger.Records(ctx, func(r provision.Record) error {
		s.count(r, s.At)
		return nil
	})
	s.forgotten()
	slices.SortFunc(s.Holds.Blocked, func(a, b change.Object) int { return cmp.Compare(a.ID, b.ID) })
	return err
}

// readNames finds out what those are called who are told, those first who need a
// person.
func (o *Operator) readNames(ctx context.Context, s *Status) error {
	told := slices.Clone(s.Holds.Blocked)
	for _, f := range s.Worst {
		told = append(told, f.Object)
	}
	user := func(id string) { told = append(told, change.Object{Kind: change.User, ID: id}) }
	for _, id := range s.Open.IDs {
		user(id)
	}
	for _, spared := range s.Spared.First {
		user(spared.ID)
	}
	for _, id := range s.ShutOut.IDs {
		user(id)
	}
	n := namer{Operator: o, names: map[change.Object]string{}}
	for _, object := range told {
		name, err := n.of(ctx, object)
		if err != nil {
			return err
		}
		s.Names[object.ID] = name
	}
	maps.DeleteFunc(s.Names, func(_, name string) bool { return name == "" })
	return nil
}
