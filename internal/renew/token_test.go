package renew_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/document"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// vault keeps tokens, and can refuse to.
type vault struct {
	access, refresh string
	// refuse is how many writes are refused from now on.
	refuse int
	did    *[]string
}

var errVault = errors.New("access denied")

func (v *vault) Load(context.Context) (access, refresh string, err error) {
	return v.access, v.refresh, nil
}

func (v *vault) Store(ctx context.Context, used, access, refresh string) error {
	if v.refuse > 0 {
		v.refuse--
		*v.did = append(*v.did, "refuse "+access)
		return errVault
	}
	if used != v.refresh || ctx.Err() != nil {
		return errConflict
	}
	*v.did = append(*v.did, "store "+access+" "+refresh)
	v.access, v.refresh = access, refresh
	return nil
}

// webex gives tokens that live 14 and 90 days, as Webex does.
type webex struct {
	valid  string
	rotate bool
	given  int
	err    error
	did    *[]string
	now    func() time.Time
}

func (w *webex) Refresh(ctx context.Context, refresh string) (renew.Token, error) {
	*w.did = append(*w.did, "refresh "+refresh)
	switch {
	case ctx.Err() != nil:
		return renew.Token{}, ctx.Err()
	case w.err != nil:
		return renew.Token{}, w.err
	case refresh != w.valid:
		return renew.Token{}, &provision.Fault{Kind: provision.Permanent, Reason: "invalid_grant"}
	}
	w.given++
	if w.rotate {
		w.valid = fmt.Sprintf("R%d", w.given)
	}
	return renew.Token{
		Access: fmt.Sprintf("A%d", w.given), ExpiresAt: w.now().Add(14 * 24 * time.Hour),
		Refresh: w.valid, RefreshExpiresAt: w.now().Add(90 * 24 * time.Hour),
	}, nil
}

// app is the job of a service app, with all around it.
type app struct {
	*renew.TokenJob

	t       *testing.T
	vault   *vault
	webex   *webex
	now     time.Time
	refused time.Time
	log     strings.Builder
	did     []string
}

func serviceApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	a.vault = &vault{access: "A0", refresh: "R0", did: &a.did}
	a.webex = &webex{valid: "R0", did: &a.did, now: func() time.Time { return a.now }}
	a.restart(documents{})
	return a
}

// restart is another process over the same documents.
func (a *app) restart(kept document.Store) {
	a.TokenJob = &renew.TokenJob{
		Tokens: a.vault, Refresh: a.webex.Refresh, Documents: kept,
		Refused: func(context.Context) (time.Time, error) { return a.refused, nil },
		Now:     func() time.Time { return a.now }, Log: slog.New(slog.NewTextHandler(&a.log, nil)),
	}
}

// run runs the job so much later, and returns what it did.
func (a *app) run(later time.Duration) ([]string, error) {
	a.t.Helper()
	a.now, a.did = a.now.Add(later), nil
	err := a.Run(a.t.Context())
	for _, secret := range []string{"A0", "A1", "A2", "R0", "R1", "R2"} {
		if strings.Contains(a.log.String(), secret) {
			a.t.Errorf("the log tells %s:\n%s", secret, &a.log)
		}
	}
	return a.did, err
}

func (a *app) want(later time.Duration, want ...string) {
	a.t.Helper()
	did, err := a.run(later)
	if err != nil {
		a.t.Error(err)
	}
	if diff := cmp.Diff(want, did); diff != "" {
		a.t.Errorf("after %s (-want +got):\n%s", later, diff)
	}
}

func (a *app) wantError(later time.Duration, text string, want ...string) {
	a.t.Helper()
	did, err := a.run(later)
	if err == nil || !strings.Contains(err.Error(), text) {
		a.t.Errorf("error %v, want one with %q", err, text)
	}
	if diff := cmp.Diff(want, did); diff != "" {
		a.t.Errorf("after %s (-want +got):\n%s", later, diff)
	}
}

func (a *app) state() renew.TokenState {
	a.t.Helper()
	s, err := renew.ReadToken(a.t.Context(), a.Documents)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

const week = 7 * 24 * time.Hour

func TestATokenIsRefreshedAtHalfOfItsLife(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		a := serviceApp(t)
		a.webex.rotate = rotate
		r := []string{"R0", "R0", "R0"}
		if rotate {
			r = []string{"R0", "R1", "R2"}
		}
		a.want(0, "store A0 R0", "refresh R0", "store A1 "+r[1])
		a.want(time.Minute)
		a.want(week-2*time.Minute, []string(nil)...)
		a.want(time.Minute, "store A1 "+r[1], "refresh "+r[1], "store A2 "+r[2])
		a.want(time.Minute)
		s := a.state()
		if s.AccessEnds.Sub(a.now) != 2*week-time.Minute || s.RefreshEnds.Sub(a.now) != 90*24*time.Hour-time.Minute {
			t.Errorf("state %+v at %s", s, a.now)
		}
		if w := s.Warning(a.now); w.Why != "" {
			t.Errorf("warning %+v", w)
		}
	}
}

func TestWebexIsNotAskedWhereTheAnswerCannotBeStored(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.vault.refuse = 1
	a.wantError(0, "prove that a refreshed Webex token can be stored: access denied", "refuse A0")
	a.want(time.Minute, "store A0 R0", "refresh R0", "store A1 R0")
}

func TestAnAnswerThatCannotBeStoredIsNotLost(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.webex.rotate = true
	a.wantError(0, "", a.refuseAfterProof()...)
	a.wantError(time.Minute, "store the refreshed Webex token", "refuse A1", "refuse A1", "refuse A1")
	a.vault.refuse = 2
	a.want(time.Minute, "refuse A1", "refuse A1", "store A1 R1")
	a.want(week, "store A1 R1", "refresh R1", "store A2 R2")
}

// refuseAfterProof lets the proof through and refuses six writes.
func (a *app) refuseAfterProof() []string {
	refresh := a.Refresh
	a.Refresh = func(ctx context.Context, r string) (renew.Token, error) {
		a.vault.refuse = 6
		a.Refresh = refresh
		return refresh(ctx, r)
	}
	return []string{"store A0 R0", "refresh R0", "refuse A1", "refuse A1", "refuse A1"}
}

func TestAfterACrashBeforeTheStoreTheTokenBeforeIsUsedAgain(t *testing.T) {
	t.Parallel()
	t.Run("which Webex still takes", func(t *testing.T) {
		t.Parallel()
		a := serviceApp(t)
		a.wantError(0, "store the refreshed", a.refuseAfterProof()...)
		a.vault.refuse = 0
		a.restart(a.Documents)
		a.want(time.Minute, "refresh R0", "store A2 R0")
	})
	t.Run("or the state says what to do while the access token lives", func(t *testing.T) {
		t.Parallel()
		a := serviceApp(t)
		a.webex.rotate = true
		a.want(0, "store A0 R0", "refresh R0", "store A1 R1")
		refresh := a.Refresh
		a.Refresh = func(ctx context.Context, r string) (renew.Token, error) {
			a.vault.refuse = 3
			return refresh(ctx, r)
		}
		if _, err := a.run(week); !errors.Is(err, errVault) {
			t.Error(err)
		}
		a.restart(a.Documents)
		a.wantError(time.Minute, "invalid_grant", "refresh R1")
		a.wantError(time.Hour, "invalid_grant", "store A1 R1", "refresh R1")
		if w := a.state().Warning(a.now); !w.Urgent || w.Ends.Sub(a.now) < week-2*time.Hour || w.Why != "invalid_grant" {
			t.Errorf("warning %+v", w)
		}
		if a.vault.access != "A1" {
			t.Errorf("the access token is %s", a.vault.access)
		}
	})
}

func TestACallerThatGivesUpDoesNotLoseTheAnswer(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	ctx, cancel := context.WithCancel(t.Context())
	refresh := a.Refresh
	a.Refresh = func(ctx context.Context, r string) (renew.Token, error) {
		cancel()
		return refresh(ctx, r)
	}
	if err := a.Run(ctx); err != nil || a.vault.access != "A1" {
		t.Errorf("%v, the access token is %s", err, a.vault.access)
	}
}

func TestARefreshIsNotBegunWithoutTheTimeToStoreItsAnswer(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.Run(ctx); err != nil || len(a.did) > 0 {
		t.Errorf("%v, did %v", err, a.did)
	}
}

func TestOfTwoProcessesOneRefreshes(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	refresh := a.Refresh
	a.Refresh = func(ctx context.Context, r string) (renew.Token, error) {
		other := serviceApp(t)
		other.vault, other.webex = a.vault, a.webex
		other.restart(a.Documents)
		other.now = a.now.Add(30 * time.Second)
		if err := other.Run(ctx); err != nil {
			t.Error(err)
		}
		return refresh(ctx, r)
	}
	a.want(0, "store A0 R0", "refresh R0", "store A1 R0")
}

func TestATokenThatWebexRefusesIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.want(0, "store A0 R0", "refresh R0", "store A1 R0")
	a.now = a.now.Add(time.Hour)
	a.refused = a.now
	a.want(time.Minute, "store A1 R0", "refresh R0", "store A2 R0")
	a.want(time.Minute)
}

// Another process may have the token before for a minute, and pause for it.
func TestARefusalJustAfterARefreshIsNoneOfTheNewTokenUnlessItLasts(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.want(0, "store A0 R0", "refresh R0", "store A1 R0")
	a.refused = a.now.Add(30 * time.Second)
	a.want(time.Minute)
	a.want(time.Minute)
	a.want(time.Minute, "refresh R0", "store A2 R0")
}

func TestARefusalForGoodIsTriedEachHourAndAtOnceWithAnotherToken(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.webex.valid = "R7"
	a.wantError(0, "invalid_grant", "store A0 R0", "refresh R0")
	a.wantError(59*time.Minute, "invalid_grant")
	a.wantError(time.Minute, "invalid_grant", "store A0 R0", "refresh R0")
	a.vault.refresh = "R7" // by an operator
	a.want(time.Minute, "refresh R7", "store A1 R7")
	if s := a.state(); s.Failure != "" || !s.FailingSince.IsZero() {
		t.Errorf("state %+v", s)
	}
}

func TestAnOutageIsTriedEachMinuteOrWhenWebexSays(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.webex.err = &provision.Fault{Kind: provision.Transient, Reason: "Webex answered 502"}
	a.wantError(0, "502", "store A0 R0", "refresh R0")
	a.wantError(time.Minute, "502", "refresh R0")
	a.webex.err = &provision.Fault{Kind: provision.Throttled, Reason: "Webex answered 429", After: 5 * time.Minute}
	a.wantError(time.Minute, "429", "refresh R0")
	a.webex.err = nil
	a.wantError(4*time.Minute, "429")
	a.want(time.Minute, "refresh R0", "store A1 R0")
}

func TestARefreshThatFailsIsAnAlarmAfterAnHourAndEachDay(t *testing.T) {
	t.Parallel()
	a := serviceApp(t)
	a.want(0, "store A0 R0", "refresh R0", "store A1 R0")
	a.webex.err = &provision.Fault{Kind: provision.Transient, Reason: "Webex answered 502"}
	a.now = a.now.Add(week)
	for range 2*24*60 + 61 {
		_, _ = a.run(time.Minute)
	}
	if n := strings.Count(a.log.String(), `level=ERROR msg="webex token expires"`); n != 3 {
		t.Errorf("told %d times in two days and an hour:\n%s", n, &a.log)
	}
	if !strings.Contains(a.log.String(), "days=6") || !strings.Contains(a.log.String(), "502") {
		t.Errorf("log:\n%s", &a.log)
	}
}

func TestAFixedTokenIsToldOfBeforeItEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		left time.Duration
		want string
	}{
		{"nobody knows when", 0, ""},
		{"far away", 32 * 24 * time.Hour, ""},
		{"within 30 days", 29 * 24 * time.Hour, "level=WARN"},
		{"within 14 days", 13 * 24 * time.Hour, "level=ERROR"},
		{"past", -24 * time.Hour, "level=ERROR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := serviceApp(t)
			a.Tokens = nil
			if test.left != 0 {
				a.Ends = a.now.Add(test.left)
			}
			a.want(0)
			a.want(time.Hour)
			told := strings.Count(a.log.String(), "webex token expires")
			if strings.Count(a.log.String(), test.want) < min(told, 1) || (told == 1) != (test.want != "") {
				t.Errorf("log:\n%s", &a.log)
			}
			a.want(23 * time.Hour)
			if again := strings.Count(a.log.String(), "webex token expires"); again != 2*told {
				t.Errorf("told %d times, and a day later %d times", told, again)
			}
			if s := a.state(); !s.Fixed || !s.AccessEnds.Equal(a.Ends) {
				t.Errorf("state %+v", s)
			}
		})
	}
}

func TestATokenIsNotShown(t *testing.T) {
	t.Parallel()
	token := renew.Token{Access: "hunter2", Refresh: "hunter2"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).InfoContext(t.Context(), "x", "token", token)
	if text := fmt.Sprintf("%v %+v %#v %s", token, token, token, &log); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}
