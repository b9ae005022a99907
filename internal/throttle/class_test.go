package throttle_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/throttle"
)

const people, teams = "", "/Groups"

// callOf makes a request of a class and returns what call does.
func callOf(t *testing.T, transport http.RoundTripper, class string) string {
	t.Helper()
	return call(t, within(transport, func(r *http.Request) *http.Request {
		return r.WithContext(throttle.WithClass(r.Context(), class))
	}))
}

// within makes every request another before it is sent.
type requests func(*http.Request) (*http.Response, error)

func (f requests) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func within(next http.RoundTripper, made func(*http.Request) *http.Request) http.RoundTripper {
	return requests(func(r *http.Request) (*http.Response, error) { return next.RoundTrip(made(r)) })
}

func TestAClassThatIsRefusedIsSlowedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := throttle.New(answering(429, "30"), throttle.Options{})
		begun := time.Now()
		callOf(t, transport, teams)
		for range 100 {
			if got := callOf(t, transport, people); got != "200" {
				t.Fatalf("another class was answered %s", got)
			}
		}
		if got := callOf(t, transport, teams); got != "429 30" {
			t.Errorf("the class was answered %s", got)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestAnOverloadedServerIsGivenThePauseByEveryClass(t *testing.T) {
	t.Parallel()
	for name, pauses := range map[string][]string{"one": {"30"}, "the longer of two": {"30", "20"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &script{}
				transport := throttle.New(server, throttle.Options{})
				callOf(t, transport, people)
				for _, pause := range pauses {
					server.answers = append(server.answers, func(r *http.Request) *http.Response {
						time.Sleep(time.Millisecond) // all have left before it
						return response(r, 503, pause)
					})
				}
				for _, class := range []string{"reads", "others"}[:len(pauses)] {
					go callOf(t, transport, class)
				}
				time.Sleep(time.Second)
				for _, class := range []string{people, teams} { // teams were not called yet
					if got := callOf(t, transport, class); got != "429 30" {
						t.Errorf("%q was answered %s", class, got)
					}
				}
			})
		})
	}
}

func TestWhatIsMadeBesideOthersWaitsNoLongerThanTheyTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, _ := refusedOnce(t) // a turn comes every 125 ms
		done := make(chan struct{})
		beside := within(transport, func(r *http.Request) *http.Request {
			return r.WithContext(throttle.Beside(r.Context(), done))
		})
		begun := time.Now()
		check := func(what, got, want string, took time.Duration) {
			t.Helper()
			if passed := time.Since(begun).Round(10 * time.Millisecond); got != want || passed != took {
				t.Errorf("%s was answered %s after %v, want %s after %v", what, got, passed, want, took)
			}
		}
		check("one meanwhile", call(t, beside), "200", 130*time.Millisecond)
		time.AfterFunc(50*time.Millisecond, func() { close(done) })
		check("one that waits", call(t, beside), "429 1", 180*time.Millisecond)
		check("one afterwards", call(t, beside), "429 1", 180*time.Millisecond)
		check("another, which has the turn that was left", call(t, transport), "200", 250*time.Millisecond)
		time.Sleep(time.Second)
		check("one whose turn it is", call(t, beside), "200", 1250*time.Millisecond)
	})
}

// The limit is eight a second: forty have their turn within five seconds, and the
// others come at thirty-two a second from then on.
func TestThoseHeldBackComeOneBehindTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport, _ := refusedOnce(t)
		told := make(chan string, 3000)
		for range cap(told) {
			go func() { told <- call(t, transport) }()
		}
		got := map[string]int{}
		for range cap(told) {
			got[<-told]++
		}
		if got["200"] != 40 || got["429 6"] != 29 || got["429 7"] != 32 || got["429 8"] != 32 || got["429 59"] != 32 {
			t.Errorf("told %v", got)
		}
		if got["429 61"] != 0 || got["429 60"] < 1000 {
			t.Errorf("%d were told to stay away for a minute, and %d for longer", got["429 60"], got["429 61"])
		}
	})
}
