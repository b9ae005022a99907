package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// The faults of a seed: how often each struck is printed with the totals.
type faults struct {
	weather
	lies

	dice *randomness
	// season are the kinds that the seed has.
	season map[string]bool

	mu      sync.Mutex
	on      bool
	counts  map[string]int
	taken   map[time.Time]bool // moments at which somebody goes on
	kills   int
	expired time.Time       // until when the tokens are
	answers map[string]told // by question, for stale ones
	ended   time.Time       // when the faults did
	// hidden is a user about whom Graph gives no true answer, for as long as
	// until: a replica has not heard of it, or refuses to say.
	hidden string
	until  time.Time
	// sealed is until when assignments cannot be read. If appGone the reason is
	// that the enterprise application is not there.
	sealed  time.Time
	appGone bool
	// down is until when a side is out, by its host; calm until when nothing but
	// that is going on. outages counts them.
	down    map[string]time.Time
	calm    time.Time
	outages int
	// paused says that an operator has paused a side.
	paused bool
}

// told is an answer, and when it was given.
type told struct {
	answer []byte
	at     time.Time
}

func newFaults(seed uint64, w weather) *faults {
	return &faults{
		weather: w, lies: newLies(), dice: newRandomness(seed ^ 0x5f), season: seasonOf(seed),
		counts: map[string]int{}, taken: map[time.Time]bool{}, answers: map[string]told{}, down: map[string]time.Time{},
		ended: time.Now(),
	}
}

// strikes reports whether a fault of that name strikes now, in one of so many
// cases.
func (f *faults) strikes(name string, oneIn int) bool {
	f.mu.Lock()
	on := f.on && f.season[name]
	f.mu.Unlock()
	if !on || f.dice.IntN(oneIn) > 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[name]++
	return true
}

// notes reports whether the seed has a kind that is always there, and counts it.
func (f *faults) notes(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.season[name] {
		f.counts[name]++
	}
	return f.season[name]
}

// raging reports whether faults strike.
func (f *faults) raging() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on
}

func (f *faults) turn(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
	if !on {
		f.ended = time.Now()
	}
}

// unique returns d or a little more, so that no two go on at the same moment.
// Whoever goes on does so alone until it sleeps again: what comes of a seed is
// the same every time.
func (f *faults) unique(d time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	moment := now.Add(max(d, 1))
	for f.taken[moment] {
		moment = moment.Add(1)
	}
	f.taken[moment] = true
	return moment.Sub(now)
}

// pass lets time pass.
func (f *faults) pass(d time.Duration) { time.Sleep(f.unique(d)) }

// sleep lets time pass, until the context ends.
func (f *faults) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(f.unique(d)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause lets up to so much time pass.
func (f *faults) pause(ctx context.Context, longest time.Duration) error {
	return f.sleep(ctx, time.Duration(1+f.dice.IntN(int(longest))))
}

// outlast waits for the end of a call's time, and a moment more: all that ends
// at that time has ended then.
func (f *faults) outlast(ctx context.Context) error {
	<-ctx.Done()
	f.pass(1)
	return context.Cause(ctx)
}

// freeze stops a process for longer than a claim lasts, now and then. It does
// not notice.
func (f *faults) freeze() {
	if f.strikes("worker frozen", 250) {
		f.pass(time.Duration(f.dice.IntN(int(7 * time.Minute))))
	}
}

// maxKills is how often a process dies in a life: an object that five of them
// die on is given up, as it should be.
const maxKills = 4

// mayDie ends the process that is at a call, now and then.
func (f *faults) mayDie() {
	f.mu.Lock()
	spent := f.kills >= maxKills
	f.mu.Unlock()
	if spent || !f.strikes("worker killed", 150) {
		return
	}
	f.mu.Lock()
	f.kills++
	f.mu.Unlock()
	runtime.Goexit()
}

// wire is the way of a worker's calls to both sides, past the witness.
type wire struct {
	*faults

	witness *witness
	next    http.RoundTripper
}

var errConnection = errors.New("connection reset by peer")

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mayDie()
	w.freeze()
	if err := w.pause(r.Context(), 80*time.Millisecond); err != nil {
		return nil, err
	}
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if fault := w.before(r.Context(), r); fault != nil {
		return fault()
	}
	question := r.Method + r.URL.String() + string(body)
	reads := r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/$batch")
	if old := w.answer(question); reads && old != nil && w.stale && r.URL.Host == graphHost && w.strikes("stale read", 25) {
		w.witness.told(r, body, old)
		return answered(r, http.StatusOK, old, ""), nil
	}
	if answer := w.instead(r); answer != nil {
		return answer, nil
	}
	response, restored, err := w.reach(r, body)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answer = restored(answer)
	if sealed, gone := w.isSealed(); sealed && r.URL.Host == graphHost {
		response.StatusCode, answer = seal(r.URL.Path, body, response.StatusCode, answer, gone)
	}
	if id := w.untold(); id != "" && strings.HasSuffix(r.URL.Path, "/$batch") {
		answer = w.hide(body, answer, id)
	}
	if reads && response.StatusCode == http.StatusOK {
		w.remember(question, answer)
		answer = w.shades(r, answer)
	}
	w.counted(r, response.StatusCode, answer)
	switch {
	case w.strikes("answer lost after the effect", 60):
		return nil, errConnection
	case w.strikes("time-out after the effect", 120):
		return nil, w.outlast(r.Context())
	case w.strikes("page of a gateway after the effect", 120):
		return w.gateway(r), nil
	case w.strikes("502 after the effect", 80):
		return answered(r, http.StatusBadGateway, nil, ""), nil
	case strings.HasSuffix(r.URL.Path, "/$batch") && w.strikes("429 inside a $batch", 30):
		answer = w.spoil(answer, http.StatusTooManyRequests, tooMany)
	case strings.HasSuffix(r.URL.Path, "/$batch") && w.stale && w.strikes("404 of a replica", 60):
		answer = w.spoil(answer, http.StatusNotFound, noSuch)
	}
	w.mayDie()
	w.witness.told(r, body, answer)
	response.Body = io.NopCloser(bytes.NewReader(answer))
	response.ContentLength = int64(len(answer))
	return response, nil
}

// reach takes the request to its end, and says how its answer is to be completed.
func (w wire) reach(r *http.Request, body []byte) (*http.Response, func([]byte) []byte, error) {
	sent, restored := w.withheld(r, body)
	w.witness.sent(r, sent)
	again, sent := w.asked(r, sent)
	if r.URL.Host == webexHost && r.Method != http.MethodGet && w.strikes("effect that comes late", 50) {
		w.later(again, sent)
		return nil, nil, w.outlast(r.Context())
	}
	response, err := w.next.RoundTrip(again)
	return response, restored, err
}

// counted counts what nobody threw dice for.
func (w wire) counted(r *http.Request, status int, answer []byte) {
	switch {
	case status == http.StatusConflict && strings.HasSuffix(r.URL.Path, "/subscriptions"):
		w.notes("duplicate subscription")
	case bytes.Contains(answer, []byte("@odata.nextLink")):
		w.notes("small pages")
	}
}

// before is a fault that strikes before anything has an effect; nil for none.
func (w wire) before(ctx context.Context, r *http.Request) func() (*http.Response, error) {
	refuse := func(status int, retryAfter string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return answered(r, status, nil, retryAfter), nil }
	}
	w.mu.Lock()
	expired := w.on && time.Now().Before(w.expired)
	w.mu.Unlock()
	if down := w.isDown(r); down != nil {
		return func() (*http.Response, error) { return down, nil }
	}
	switch {
	case expired:
		return refuse(http.StatusUnauthorized, "")
	case w.strikes("token expired", 1500):
		w.mu.Lock()
		w.expired = time.Now().Add(time.Duration(w.dice.IntN(int(10 * time.Minute))))
		w.mu.Unlock()
		return refuse(http.StatusUnauthorized, "")
	case w.strikes("429", 60):
		return refuse(http.StatusTooManyRequests, strconv.Itoa(1+w.dice.IntN(60)))
	case w.strikes("423", 300):
		return refuse(http.StatusLocked, "5")
	case w.strikes("503", 120):
		return refuse(http.StatusServiceUnavailable, "")
	case w.strikes("500", 120):
		return refuse(http.StatusInternalServerError, "")
	case w.strikes("connection lost", 80):
		return func() (*http.Response, error) { return nil, errConnection }
	case w.strikes("time-out", 150):
		return func() (*http.Response, error) { return nil, w.outlast(ctx) }
	default:
		return nil
	}
}

func answered(r *http.Request, status int, body []byte, retryAfter string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func (f *faults) answer(question string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.answers[question]; time.Since(old.at) < replicaLag {
		return old.answer
	}
	return nil
}

// replicaLag is how far a replica lags behind at most.
const replicaLag = 30 * time.Minute

func (f *faults) remember(question string, answer []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[question] = told{answer, time.Now()}
}

// untold returns the user about whom Graph gives no true answer now; empty for
// none.
func (f *faults) untold() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().After(f.until) {
		return ""
	}
	return f.hidden
}

// hideUser lets Graph tell nothing of a live user, for up to half an hour.
func (s *storm) hideUser() {
	users := s.tenant.Users()
	name := "429 for half an hour"
	if s.stale {
		name = "404 for half an hour"
	}
	if len(users) == 0 || !s.strikes(name, 10) {
		return
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.hidden, s.until = users[s.dice.IntN(len(users))].Text("id"), time.Now().Add(time.Duration(s.dice.IntN(int(30*time.Minute))))
}

// The bodies of refusals inside a $batch.
const (
	tooMany = `{"error":{"code":"TooManyRequests","message":"x"}}`
	noSuch  = `{"error":{"code":"Request_ResourceNotFound","message":"x"}}`
)

// hide makes refusals of the answers about a user in a $batch.
func (f *faults) hide(request, answer []byte, id string) []byte {
	status, body := http.StatusTooManyRequests, tooMany
	if f.stale {
		status, body = http.StatusNotFound, noSuch
	}
	asked := requestsOf(request)
	return editAnswers(answer, func(answers []map[string]any) {
		for _, one := range answers {
			url := asked[one["id"]]
			if strings.Contains(url, "users/"+id) || strings.Contains(url, "deletedItems/"+id) {
				one["status"], one["body"] = status, json.RawMessage(body)
			}
		}
	})
}

// spoil replaces one of the answers in a $batch.
func (f *faults) spoil(answer []byte, status int, body string) []byte {
	return editAnswers(answer, func(answers []map[string]any) {
		one := answers[f.dice.IntN(len(answers))]
		one["status"], one["body"] = status, json.RawMessage(body)
	})
}

// requestsOf returns the URLs of a $batch by the ids of its requests.
func requestsOf(body []byte) map[any]string {
	var batch struct {
		Requests []struct{ ID, URL string }
	}
	urls := map[any]string{}
	if json.Unmarshal(body, &batch) == nil {
		for _, r := range batch.Requests {
			urls[r.ID] = r.URL
		}
	}
	return urls
}

// editAnswers changes the answers in a $batch, if there are any.
func editAnswers(body []byte, edit func([]map[string]any)) []byte {
	var batch struct {
		Responses []map[string]any `json:"responses"`
	}
	if json.Unmarshal(body, &batch) != nil || len(batch.Responses) == 0 {
		return body
	}
	edit(batch.Responses)
	edited, err := json.Marshal(batch)
	if err != nil {
		return body
	}
	return edited
}

// deliveries is the way of Graph's notifications to the webhook.
func (f *faults) deliveries(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		body := []byte{}
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		post := func() (*http.Response, error) {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			return next.RoundTrip(again)
		}
		switch {
		case f.lossy && f.strikes("notification lost", 8):
			return answered(r, http.StatusAccepted, nil, ""), nil
		case f.strikes("notification refused", 12):
			return answered(r, http.StatusServiceUnavailable, nil, ""), nil
		case f.strikes("notification doubled", 6):
			if _, err := post(); err != nil {
				return nil, err
			}
		}
		return post()
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// store is the ledger as a worker reaches it.
type store struct {
	*ledger.Bolt
	*faults

	witness *witness
}

var errLedger = errors.New("the ledger did not answer")

// reach makes one call of the ledger, which may be slow enough for the claim
// to run out, fail, or have its effect and fail all the same.
func (s store) reach(call func() error) error {
	s.mayDie()
	s.freeze()
	s.pass(time.Duration(s.dice.IntN(int(5 * time.Millisecond))))
	if s.strikes("ledger call lost", 150) {
		return errLedger
	}
	err := call()
	if err == nil && s.strikes("ledger answer lost", 150) {
		return errLedger
	}
	s.mayDie()
	return err
}

func (s store) Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (r provision.Record, err error) {
	err = s.reach(func() error {
		if r, err = s.Bolt.Claim(ctx, o, owner, now, until); err == nil {
			s.witness.claimed(ctx, o)
		}
		return err
	})
	return r, err
}

func (s store) Save(ctx context.Context, owner string, before, after provision.Record) error {
	return s.reach(func() error { return s.Bolt.Save(ctx, owner, before, after) })
}

func (s store) Forget(ctx context.Context, owner string, r provision.Record) error {
	return s.reach(func() error { return s.Bolt.Forget(ctx, owner, r) })
}

func (s store) WebexIDs(ctx context.Context, objects []change.Object) (ids []string, err error) {
	err = s.reach(func() error {
		ids, err = s.Bolt.WebexIDs(ctx, objects)
		return err
	})
	return ids, err
}

func (s store) LinkedTo(ctx context.Context, webexID string) (o change.Object, linked bool, err error) {
	err = s.reach(func() error {
		o, linked, err = s.Bolt.LinkedTo(ctx, webexID)
		return err
	})
	return o, linked, err
}

func (s store) Await(ctx context.Context, group change.Object, users []change.Object) error {
	return s.reach(func() error { return s.Bolt.Await(ctx, group, users) })
}

func (s store) Awaiting(ctx context.Context, o change.Object) (groups []change.Object, err error) {
	err = s.reach(func() error {
		groups, err = s.Bolt.Awaiting(ctx, o)
		return err
	})
	return groups, err
}

func (s store) Arrived(ctx context.Context, o change.Object, groups []change.Object) error {
	return s.reach(func() error { return s.Bolt.Arrived(ctx, o, groups) })
}

func (s store) Record(ctx context.Context, o change.Object) (r provision.Record, found bool, err error) {
	err = s.reach(func() error {
		r, found, err = s.Bolt.Record(ctx, o)
		return err
	})
	return r, found, err
}

func (s store) Document(ctx context.Context, name string) (data []byte, version int64, err error) {
	err = s.reach(func() error {
		data, version, err = s.Bolt.Document(ctx, name)
		return err
	})
	return data, version, err
}

func (s store) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	return s.reach(func() error { return s.Bolt.PutDocument(ctx, name, data, version) })
}

func (s store) Records(ctx context.Context, each func(provision.Record) error) error {
	return s.reach(func() error { return s.Bolt.Records(ctx, each) })
}

// mailbox is the queue as a worker or the webhook reaches it.
type mailbox struct {
	next queue.Changes
	*faults

	oneIn int // calls that are lost, or whose answers are
}

var errQueue = errors.New("the queue did not answer")

func (m mailbox) Enqueue(ctx context.Context, changes []change.Change) error {
	if m.strikes("queue call lost", m.oneIn) {
		return errQueue
	}
	err := m.next.Enqueue(ctx, changes)
	if err == nil && m.strikes("queue answer lost", m.oneIn) {
		return errQueue
	}
	return err
}

// Waiting is how many Changes can be received now.
func (m mailbox) Waiting(ctx context.Context) (int, error) {
	if m.strikes("queue call lost", m.oneIn) {
		return 0, errQueue
	}
	return m.next.Waiting(ctx)
}
