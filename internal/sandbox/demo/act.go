package demo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/terminal"
)

// act is a step of the day, and what the engine has done about it.
type act struct {
	title string
	// many is how many changes come at once; 0 if each is one by itself.
	many int
	// began is when it happened; whole says that what is done takes its time from
	// then, and not from when Entra told of it.
	began time.Time
	whole bool
	// landed says that all of it is in Webex.
	landed bool

	looks   int // attempts of any kind, and the changes that they are about
	noticed int
	deeds   map[deed]int
	// added and removed are memberships, attributes those that were updated.
	added, removed int
	attributes     []string
	details        []string // the first of what was done, with names
	took           []time.Duration
	retries        map[string]int // failed attempts that are made again, by cause
	again          time.Duration  // the longest time until then
	refused        []string       // failed for good
}

// deed is something done to a kind of object.
type deed struct {
	kind   change.Kind
	action provision.Action
}

// fewDetails is how many deeds a line can name.
const fewDetails = 6

// take adds an attempt about an object of that name.
func (a *act) take(attempt provision.Attempt, name string) {
	a.looks++
	a.noticed += len(attempt.Causes)
	if fault := attempt.Fault; fault != nil {
		if attempt.Again == 0 && attempt.Later.IsZero() {
			a.refused = append(a.refused, name+": "+fault.Reason)
			return
		}
		if a.retries == nil {
			a.retries = map[string]int{}
		}
		a.retries[causeOf(fault)]++
		a.again = max(a.again, attempt.Again)
		return
	}
	if attempt.Action == provision.None {
		return
	}
	if a.deeds == nil {
		a.deeds = map[deed]int{}
	}
	a.deeds[deed{attempt.Object.Kind, attempt.Action}]++
	a.added += attempt.Members.Added
	a.removed += attempt.Members.Removed
	what := modified(attempt)
	if attempt.Action == provision.Update {
		for _, attribute := range what {
			if !slices.Contains(a.attributes, attribute) {
				a.attributes = append(a.attributes, attribute)
			}
		}
	}
	if len(a.details) < fewDetails {
		detail := name + " " + past(attempt.Action)
		if len(what) > 0 && attempt.Action == provision.Update {
			detail += ": " + strings.Join(what, ", ")
		}
		a.details = append(a.details, detail)
	}
	a.took = append(a.took, attempt.Exported.Sub(a.since(attempt)))
}

// since is from when an attempt of the act takes its time.
func (a *act) since(attempt provision.Attempt) time.Time {
	if a.whole {
		return a.began
	}
	return noticed(attempt)
}

// noticed is when the first of the changes happened, by the clock of whoever says so. A
// look that the engine asked for itself is none: it may have waited since an act before.
func noticed(a provision.Attempt) time.Time {
	first := a.Causes[0]
	if i := slices.IndexFunc(a.Causes, func(c change.Change) bool { return c.Source != change.Engine }); i >= 0 {
		first = a.Causes[i]
	}
	if !first.EventTime.IsZero() {
		return first.EventTime
	}
	return first.SeenAt
}

// modified names the attributes that an attempt wrote, the shortest first.
func modified(a provision.Attempt) []string {
	var names []string
	for _, m := range a.Modified {
		if !slices.Contains(names, m.Attribute) {
			names = append(names, m.Attribute)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return names
}

func past(a provision.Action) string { return strings.TrimSuffix(string(a), "e") + "ed" }

// happening is the line about the act as of now.
func (a *act) happening() terminal.Happening {
	h := terminal.Happening{What: a.title, Took: a.latency()}
	switch {
	case len(a.refused) > 0:
		h.Outcome = terminal.Refused
		h.Came = []string{strings.Join(a.refused, "; "), a.refused[0]}
	case len(a.deeds) > 0:
		h.Outcome, h.Came = terminal.Landed, a.withFailures(a.did())
	case len(a.retries) > 0:
		h.Outcome, h.Came = terminal.Again, a.failures()
	case a.landed || a.looks > 0:
		h.Outcome, h.Came = terminal.Idle, []string{"nothing to write"}
	default:
		h.Outcome, h.Came = terminal.OnItsWay, []string{"on its way"}
	}
	return h
}

// withFailures adds to what was done what failed on the way, if anything did.
func (a *act) withFailures(did []string) []string {
	n := total(a.retries)
	if n == 0 {
		return did
	}
	failed := a.failures()
	if a.landed {
		failed = []string{fmt.Sprintf("%d tried again", n)}
	}
	var came []string
	for _, d := range did {
		for _, f := range failed {
			came = append(came, d+"; "+f)
		}
	}
	return append(came, fmt.Sprintf("%d done, %d failed", total(a.deeds), n))
}

// did says what was done, in several lengths.
func (a *act) did() []string {
	members := a.members()
	var counted []string
	byAction := map[provision.Action]int{}
	deeds := slices.SortedFunc(maps.Keys(a.deeds), func(a, b deed) int {
		return cmp.Or(-strings.Compare(string(a.kind), string(b.kind)), strings.Compare(string(a.action), string(b.action)))
	})
	for _, d := range deeds {
		byAction[d.action] += a.deeds[d]
		if d != (deed{change.Group, provision.Update}) || members == "" { // else they say it
			counted = append(counted, d.counted(a.deeds[d]))
		}
	}
	if members != "" {
		counted = append(counted, members)
	}
	long := strings.Join(counted, ", ")
	var came []string
	if total(a.deeds) <= len(a.details) {
		detailed := a.details
		if members != "" {
			detailed = append(slices.Clone(detailed), members)
		}
		came = append(came, strings.Join(detailed, "; "))
	}
	if len(a.attributes) > 0 {
		came = append(came, long+": "+strings.Join(a.attributes, ", "))
	}
	if len(a.attributes) > 1 {
		came = append(came, long+": "+a.attributes[0]+", …")
	}
	return append(came, long, byNumber(byAction), fmt.Sprintf("%d written", total(a.deeds)))
}

// counted says how often it was done.
func (d deed) counted(n int) string {
	switch {
	case d.kind == change.Group && n == 1:
		return "group " + past(d.action)
	case d.kind == change.Group:
		return fmt.Sprintf("%d groups %s", n, past(d.action))
	case n == 1:
		return past(d.action)
	default:
		return fmt.Sprintf("%d %s", n, past(d.action))
	}
}

// byNumber says how often each action was done.
func byNumber(actions map[provision.Action]int) string {
	did := make([]string, 0, len(actions))
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		did = append(did, fmt.Sprintf("%d %s", actions[action], past(action)))
	}
	return strings.Join(did, ", ")
}

// members says who came into groups and left them.
func (a *act) members() string {
	var parts []string
	if a.added > 0 {
		parts = append(parts, operator.Counted(a.added, "member")+" added")
	}
	if a.removed > 0 {
		parts = append(parts, operator.Counted(a.removed, "member")+" removed")
	}
	return strings.Join(parts, ", ")
}

// failures says what failed and is tried again, in two lengths.
func (a *act) failures() []string {
	if len(a.retries) == 0 {
		return nil
	}
	short := fmt.Sprintf("%d failed, again in %s", total(a.retries), a.again.Round(time.Second))
	return []string{short + ": " + strings.Join(slices.Sorted(maps.Keys(a.retries)), ", "), short}
}

// latency is how long it took: of many changes, of half and of nearly all of them.
func (a *act) latency() string {
	if len(a.took) == 0 {
		return ""
	}
	if a.many == 0 {
		return terminal.Lasted(slices.Max(a.took))
	}
	p50, p99 := terminal.Lasted(percentile(a.took, 50)), terminal.Lasted(percentile(a.took, 99))
	if _, unit, spaced := strings.Cut(p99, " "); spaced { // it is not said twice
		p50 = strings.TrimSuffix(p50, " "+unit)
	}
	return fmt.Sprintf("p50 %s, p99 %s", p50, p99)
}

// causeOf says in a few words why an attempt failed that is made again.
func causeOf(f *provision.Fault) string {
	switch {
	case errors.Is(f.Err, provision.ErrClaimed):
		return "another change of it under way"
	case f.From != "":
		return fmt.Sprintf("%s %s", f.From, f.Label())
	case f.Pending:
		return "no answer"
	default:
		return "waits for another object"
	}
}

func total[K comparable](counts map[K]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// percentile returns the p-th percentile, by the nearest rank; 0 of none.
func percentile(durations []time.Duration, p int) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}
