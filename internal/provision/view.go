package provision

import (
	"log/slog"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// What becomes of an object is decided by a pure function, next: it takes a view
// of the object and returns the step that comes next, a write, a question, or the
// end. The driver (batch) asks and writes, for many objects at once, and next is
// called again with what came of it.

// terms are what all objects of a batch are decided by.
type terms struct {
	mapping mapping.Rules
	scoping scoping.Rules
	// Those of Config by the same names.
	nested, deleteBinned, upsertOnly, trustGone bool
	confirmAfter                                time.Duration
	// skew is how far the clocks may be apart of those who write the ledger.
	skew time.Duration
	// protected are ids and userNames in lower case.
	protected map[string]bool
	// guarded says that there is a guard, postpones that looks after hours are kept
	// by the ledger.
	guarded, postpones bool
	// jitter is how much of a quarter each delay gets on top, in [0, 1). It is one
	// for all: what was one Bulk comes again together, and is one.
	jitter float64
}

// rules is the mapping of a kind of object.
func (t *terms) rules(kind change.Kind) mapping.Mapping {
	if kind == change.Group {
		return t.mapping.Groups
	}
	return t.mapping.Users
}

// subject is an object and why it is looked at.
type subject struct {
	object change.Object
	// causes are the Changes that name it, hints the members that these name, and
	// afresh says that one of them trusts nothing.
	causes []change.Change
	hints  []string
	afresh bool
	// seen is how a sweep saw it; nil if none did.
	seen *Snapshot
}

func (s *subject) isGroup() bool { return s.object.Kind == change.Group }

// isLeaving reports whether one of the causes says that access ends.
func (s *subject) isLeaving() bool {
	return slices.ContainsFunc(s.causes, func(c change.Change) bool { return c.Deleted || c.Nominated == change.Out })
}

// hasWord reports whether one of the causes is Graph's word that the object was
// deleted for good.
func (s *subject) hasWord() bool {
	return slices.ContainsFunc(s.causes, func(c change.Change) bool { return c.Deleted })
}

// named reports whether one from outside named the member.
func (s *subject) named(id string) bool {
	return slices.ContainsFunc(s.causes, func(c change.Change) bool {
		return c.Source != change.Engine && slices.Contains(c.Members, id)
	})
}

// state is how far an attempt has come. Each phase takes it from the one before
// and hands its own on.
type state struct {
	// attempt is what is told of it, record what the ledger is to know.
	attempt Attempt
	record  Record
	// ended says that there is nothing more to decide.
	ended bool
	// notices are what operators are to hear.
	notices []slog.Record
}

// past is what an attempt has met with, beyond what the record says.
type past struct {
	// settled says that record.LastWritten was read from Webex in this attempt, look
	// that it is to be before anything else is decided.
	settled, look bool
	// adopted says that the account was there, and of no attempt of ours before.
	adopted bool
	// fresh says that the group was created in this very attempt, without members:
	// what Webex has need not be read. seeded says that it was created with those of
	// its members that have an account, absent are the others.
	fresh, seeded bool
	absent        []string
	// refused are the faults of attributes that Webex does not take, by their
	// paths: the others are written without them. singly says that one of several
	// was refused and not known which: they are written one by one.
	refused map[string]*Fault
	singly  bool
	// conflict is a write that Webex refused because of something that is there;
	// reread says that the object was read again because of one, unseen that a name
	// was taken by nobody to be seen.
	conflict       *conflict
	reread, unseen bool
	// unmatched says that nothing in Webex meets any of the object's criteria.
	unmatched bool
	// early is the pending write that was settled so soon that it may still have its
	// effect.
	early *PendingWrite
}

// conflict is a write that was refused, and how.
type conflict struct {
	write  *write
	fault  *Fault
	before *PendingWrite // that of the time before the write
}

// view is all that is known about an object: what is decided by. Whoever decides
// writes nothing in what it points to.
type view struct {
	*terms
	subject
	state
	past

	now     time.Time
	reading Reading
	answers answers
}

// answers are what came of the questions since the last write.
type answers struct {
	// accounts are what was read of Webex by its id, gone what is not there.
	accounts map[string]Resource
	gone     map[string]*Fault
	// names are who has a name, aliases who has the address, meeting who meets the
	// criterion of a filter.
	names   map[string][]Resource
	aliases map[string][]Resource
	meeting map[string][]Resource
	// owners are the objects that Webex ids are linked to, records what the ledger
	// has of objects; both zero for none.
	owners  map[string]change.Object
	records map[change.Object]Record
	// unknown says of ids of Entra that this tenant has no such object.
	unknown map[string]bool
	// tenant says that Entra's answers come from the right one.
	tenant bool
	// guard is the guard's.
	guard *verdict
	// managers are the Webex ids of users by those of Entra; empty for who has none.
	managers map[string]string
	// links are the Webex ids of those that a sweep saw in the group.
	links []string
	// room is what came of making room for a name.
	room *roomMade
}

// question is what has to be known before anything else is decided.
type question struct {
	// at is the step of the provisioning log that asks.
	at   StepName
	asks asked
	// text is an id of Webex or of Entra, a name, an address or a criterion's filter;
	// object one of Entra.
	text      string
	object    change.Object
	criterion mapping.Criterion
}

// asked is what a question is about.
type asked int

// The questions.
const (
	askAccount asked = iota + 1 // what of Webex has this id
	askNamed                    // who has this name
	askAlias                    // who has this address
	askMeeting                  // who meets the criterion
	askOwner                    // what this id of Webex is linked to
	askRecord                   // what the ledger has of the object
	askUnknown                  // whether the tenant has no object of this id
	askTenant                   // whether Entra's answers come from the right tenant
	askGuard                    // whether the guard lets the object be disabled or deleted
	askManager                  // which account the user's manager has
	askLinks                    // which of those whom a sweep saw in the group are in Webex
)

// write is an operation and the values that it writes.
type write struct {
	op     Operation
	values map[string]any
	// moving says that it takes a name from an account.
	moving bool
}

// room asks for a name to be taken from the account that has it, which is another
// object's: that one is worked on under its own claim.
type room struct {
	name   string
	holder Resource
	owner  change.Object
}

// roomMade is what came of it: nothing, or a fault.
type roomMade struct {
	fault *Fault
	// withheld says that the object cannot have the name: it gets all the rest.
	withheld bool
}

// step is what comes next: a question, room for a name, a write, the members of the
// group, or nothing if the attempt has ended. The state is that after it; one that
// only asks is decided anew, from the state before.
type step struct {
	state
	past

	ask     *question
	room    *room
	write   *write
	members bool
}

// decision is the work of next on its own copy of a view.
type decision struct {
	view
	next step
}

// next decides what comes next. It reads nothing and writes nothing: the same view
// has the same step.
func next(v view) step {
	d := decision{view: v}
	if d.decide(); d.ended {
		d.conflict = nil
	}
	d.next.state, d.next.past = d.state, d.past
	return d.next
}

// ask has the question asked. It returns false, for whoever cannot go on without
// the answer.
func (d *decision) ask(q question) bool {
	d.next = step{ask: &q}
	return false
}

// account is what has the id in Webex, or the fault that says that it is not there;
// false if it must be asked first.
func (d *decision) account(id string) (found Resource, gone *Fault, known bool) {
	if found, known = d.answers.accounts[id]; known {
		return found, nil, true
	}
	if gone = d.answers.gone[id]; gone != nil {
		return Resource{}, gone, true
	}
	return Resource{}, nil, d.ask(question{at: Matching, asks: askAccount, text: id})
}

// holders are those of the object's kind who have the name; false if it must be
// asked first. So it is with the others.
func (d *decision) holders(name string) ([]Resource, bool) {
	if found, known := d.answers.names[name]; known {
		return found, true
	}
	return nil, d.ask(question{at: Matching, asks: askNamed, text: name})
}

func (d *decision) aliases(address string) ([]Resource, bool) {
	if found, known := d.answers.aliases[address]; known {
		return found, true
	}
	return nil, d.ask(question{at: Matching, asks: askAlias, text: address})
}

// owner is the object that an id of Webex is linked to, zero for none.
func (d *decision) owner(webexID string) (change.Object, bool) {
	if o, known := d.answers.owners[webexID]; known {
		return o, true
	}
	return change.Object{}, d.ask(question{at: Matching, asks: askOwner, text: webexID})
}

// recorded is what the ledger has of an object, without one if nothing.
func (d *decision) recorded(o change.Object) (Record, bool) {
	if r, known := d.answers.records[o]; known {
		return r, true
	}
	return Record{}, d.ask(question{at: Matching, asks: askRecord, object: o})
}

// isUnknown reports whether the tenant has no object of this id.
func (d *decision) isUnknown(id string) (unknown, known bool) {
	if unknown, known = d.answers.unknown[id]; known {
		return unknown, true
	}
	return false, d.ask(question{at: Matching, asks: askUnknown, text: id})
}
