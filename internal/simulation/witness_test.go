package simulation_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/compare"
)

// witness sees what goes to Webex and what Graph said before, and fails the
// seed at once where a rule is broken. What is broken and mended before the end
// would else not be seen: an account that is deleted is made again.
type witness struct {
	land   *land
	faults *faults
	// floor is how many may be disabled or deleted within an hour; zero for as
	// many as may be.
	floor int

	mu sync.Mutex
	// absent is when Graph first said that a user is nowhere, of those of whom
	// it says so still.
	absent map[string]time.Time
	// written is who last wrote what belongs to an object, and when.
	written map[change.Object]writing
	// destroyed is when accounts were disabled or deleted.
	destroyed map[string]time.Time
	// entitled is since when somebody is to have an active account without a
	// break, enabled since when somebody is there and enabled, whatever the scope.
	entitled, enabled map[string]time.Time
	// roles is when Graph last told the assignments of a user or a group.
	roles map[string]time.Time
	// operator says that somebody approves what the guard holds.
	operator bool
}

type writing struct {
	attempt *attempt
	at      time.Time
}

// attempt is one call of Converge: what was asked of it, and what it claimed.
type attempt struct {
	claims map[change.Object]time.Time
	// sweep says that it reads much before it writes.
	sweep bool
}

type attemptKey struct{}

func newWitness(l *land, f *faults, floor int) *witness {
	return &witness{
		land: l, faults: f, floor: floor,
		absent: map[string]time.Time{}, written: map[change.Object]writing{}, destroyed: map[string]time.Time{},
		entitled: map[string]time.Time{}, enabled: map[string]time.Time{}, roles: map[string]time.Time{},
	}
}

// watch has Converge watched.
func watch(converge func(context.Context, []change.Change) []provision.Attempt) func(context.Context, []change.Change) []provision.Attempt {
	return func(ctx context.Context, changes []change.Change) []provision.Attempt {
		a := &attempt{claims: map[change.Object]time.Time{}}
		return converge(context.WithValue(ctx, attemptKey{}, a), changes)
	}
}

// watched is a context in which a sweep is watched.
func watched(ctx context.Context) context.Context {
	return context.WithValue(ctx, attemptKey{}, &attempt{claims: map[change.Object]time.Time{}, sweep: true})
}

// happened is told that something may have happened in Entra.
func (w *witness) happened() {
	w.mu.Lock()
	defer w.mu.Unlock()
	since(w.entitled, compare.Provisioned(w.land.tenant, w.land.rulesOfScope()...))
	since(w.enabled, compare.Provisioned(w.land.tenant))
}

// since notes the time of those who are new, and forgets those who are not
// there.
func since(times map[string]time.Time, there []string) {
	maps.DeleteFunc(times, func(id string, _ time.Time) bool { return !slices.Contains(there, id) })
	for _, id := range there {
		if times[id].IsZero() {
			times[id] = time.Now()
		}
	}
}

// claimed is told of every claim that succeeded.
func (w *witness) claimed(ctx context.Context, o change.Object) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		a.claims[o] = time.Now()
	}
}

// told is told every answer that arrives.
func (w *witness) told(r *http.Request, question, answer []byte) {
	if strings.HasSuffix(r.URL.Path, "/appRoleAssignedTo") {
		w.listed(answer)
		return
	}
	asked := requestsOf(question)
	sealed, _ := w.faults.isSealed()
	w.mu.Lock()
	defer w.mu.Unlock()
	editAnswers(answer, func(answers []map[string]any) {
		for _, one := range answers {
			path, _, _ := strings.Cut(asked[one["id"]], "?")
			_, binned, inBin := strings.Cut(path, "/deletedItems/")
			_, live, isUser := strings.Cut(path, "/users/")
			if whose, ok := strings.CutSuffix(path, "/appRoleAssignments"); ok && one["status"] == float64(http.StatusOK) && !sealed {
				w.roles[whose[strings.LastIndex(whose, "/")+1:]] = time.Now()
			}
			switch status := one["status"]; {
			case inBin && status == float64(http.StatusNotFound) && w.absent[binned].IsZero():
				w.absent[binned] = time.Now()
			case inBin && status == float64(http.StatusOK):
				delete(w.absent, binned)
			case isUser && status == float64(http.StatusOK):
				delete(w.absent, live)
			}
		}
	})
}

// listed is told a page of all assignments: a sweep believes it of those who are
// on it.
func (w *witness) listed(page []byte) {
	var assignments struct {
		Value []struct{ PrincipalID string }
	}
	_ = json.Unmarshal(page, &assignments) // what is no page lists nobody
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range assignments.Value {
		w.roles[a.PrincipalID] = time.Now()
	}
}

// written is a write of one resource, as it goes on the wire.
type write struct {
	method, path string
	body         map[string]any
}

// writesIn takes a request to Webex apart.
func writesIn(r *http.Request, body []byte) []write {
	switch {
	case r.URL.Host != webexHost || r.Method == http.MethodGet:
		return nil
	case !strings.HasSuffix(r.URL.Path, "/Bulk"):
		var one map[string]any
		_ = json.Unmarshal(body, &one) // a DELETE has none
		return []write{{method: r.Method, path: r.URL.Path, body: one}}
	}
	var bulk struct {
		Operations []struct {
			Method, Path string
			Data         map[string]any
		}
	}
	_ = json.Unmarshal(body, &bulk) // what cannot be read, the organization refuses
	writes := make([]write, len(bulk.Operations))
	for i, op := range bulk.Operations {
		writes[i] = write{method: op.Method, path: op.Path, body: op.Data}
	}
	return writes
}

// sent is told every request that reaches its end.
func (w *witness) sent(r *http.Request, body []byte) {
	a, _ := r.Context().Value(attemptKey{}).(*attempt)
	for _, one := range writesIn(r, body) {
		if _, id, ok := strings.Cut(one.path, "/Users/"); ok {
			account := w.land.org.Users()[id]
			owner, _ := account["externalId"].(string)
			w.mayDestroy(one, id, owner, account["active"] == true)
			if account["active"] == true && owner != "" && disables(one.body) {
				w.mayDisable(a, owner)
			}
			w.mayWrite(a, change.Object{Kind: change.User, ID: owner})
		}
		if _, id, ok := strings.Cut(one.path, "/Groups/"); ok {
			owner, _ := w.land.org.Groups()[id]["externalId"].(string)
			o := change.Object{Kind: change.Group, ID: owner}
			if owner != "" && a != nil && a.claims[o].IsZero() {
				w.land.failf("%s is written in an attempt that has not claimed it", o)
			}
			w.mayWrite(a, o)
			if owner != "" && removes(one.body) {
				w.mayTakeAway(a, o)
			}
		}
	}
}

// mayWrite fails the seed if somebody else has written the object since this
// attempt claimed it.
func (w *witness) mayWrite(a *attempt, o change.Object) {
	if a == nil || o.ID == "" { // an account that is about to be adopted has no owner yet
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	claimed, ok := a.claims[o]
	last := w.written[o]
	if ok && last.attempt != a && last.at.After(claimed) {
		w.land.failf("%s is written under a claim of %s, and another attempt wrote it meanwhile", o, claimed.Format(time.TimeOnly))
	}
	w.written[o] = writing{a, time.Now()}
}

// The guard's window, and what of it is sure to be one: an object is counted up
// to a claim's life before it is written.
const (
	guardWindow = time.Hour
	sureWindow  = guardWindow - provision.Lease - time.Minute
)

// mayDestroy fails the seed if an account is deleted without two readings ten
// minutes apart, or while its user is not deleted for good, or if more are
// disabled or deleted within the guard's window than the guard lets through.
func (w *witness) mayDestroy(one write, webexID, owner string, active bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	deletes := one.method == http.MethodDelete
	if owner == "" || !deletes && (!active || !disables(one.body)) {
		return
	}
	if deletes {
		apart := 10 * time.Minute
		if w.faults.season["clock ahead"] { // of the two who read, by up to a minute
			apart -= time.Minute
		}
		since, told := w.absent[owner]
		binned, _ := w.land.tenant.Deleted()
		_, err := w.land.tenant.User(owner)
		switch {
		case err == nil || slices.Contains(binned, owner):
			w.land.failf("the account of user %s is deleted, who is not", owner)
		case !told || time.Since(since) < apart:
			w.land.failf("the account of user %s is deleted without two readings ten minutes apart", owner)
		}
	}
	if w.floor == 0 || w.operator {
		return
	}
	now := time.Now()
	w.destroyed[webexID] = now
	recent := 0
	for _, at := range w.destroyed {
		if now.Sub(at) < sureWindow {
			recent++
		}
	}
	// Of two windows that follow each other, so many may meet in one.
	if recent > 2*w.floor {
		w.land.failf("%d accounts are disabled or deleted within the hour, and the guard lets %d through", recent, w.floor)
	}
}

// outdated is how old an answer of Graph may be on which an attempt acts. It is
// read under the claim, by a sweep before it; and a replica lags behind.
func (w *witness) outdated(a *attempt) time.Duration {
	old := provision.Lease + time.Minute
	if a != nil && a.sweep {
		old += 15 * time.Minute
	}
	if w.faults.stale {
		old += replicaLag
	}
	return old
}

// mayDisable fails the seed if an account is disabled whose user has been there,
// enabled and in the scope for longer than an answer of Graph is on its way, or
// for the scope while nobody can know it.
func (w *witness) mayDisable(a *attempt, owner string) {
	w.mu.Lock()
	old := w.outdated(a)
	entitled, is := w.entitled[owner]
	enabled, blocked := w.enabled[owner], w.enabled[owner].IsZero()
	w.mu.Unlock()
	switch {
	case is && time.Since(entitled) > old:
		w.land.failf("the account of user %s is disabled, who is there, enabled and in scope since %s", owner, entitled.Format(time.TimeOnly))
	case !blocked && time.Since(enabled) > old:
		w.mayTakeAway(a, change.Object{Kind: change.User, ID: owner})
	}
}

// mayTakeAway fails the seed if something is taken away from a live object whose
// assignments decide about it, and Graph has not told them.
func (w *witness) mayTakeAway(a *attempt, o change.Object) {
	w.mu.Lock()
	old, told := w.outdated(a), w.roles[o.ID]
	w.mu.Unlock()
	if w.land.assigned && time.Since(told) > old {
		w.land.failf("something is taken away from %s, whose assignments Graph told last at %s", o, told.Format(time.TimeOnly))
	}
}

// removes reports whether a PATCH of a group removes members.
func removes(body map[string]any) bool {
	operations, _ := body["Operations"].([]any)
	return slices.ContainsFunc(operations, func(op any) bool {
		o, _ := op.(map[string]any)
		verb, _ := o["op"].(string)
		return strings.EqualFold(verb, "remove")
	})
}

// disables reports whether a PATCH sets active to false.
func disables(body map[string]any) bool {
	operations, _ := body["Operations"].([]any)
	return slices.ContainsFunc(operations, func(op any) bool {
		o, _ := op.(map[string]any)
		return o["path"] == "active" && o["value"] == false
	})
}
