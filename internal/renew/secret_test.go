package renew_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/renew"
)

func TestTheEndOfTheClientSecretIsReadOnceADayAndHourlyWhileItIsNear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log strings.Builder
	ends, asked := b.now.AddDate(0, 0, 31), 0
	var refused error
	var used renew.Credential
	job := func() *renew.SecretJob {
		return &renew.SecretJob{
			Read:      func(context.Context) (renew.Credential, time.Time, error) { asked++; return used, ends, refused },
			Documents: b.Documents, Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}
	}
	j := job()
	step := func(when string, after time.Duration, wantAsked int, wantEnds time.Time, warned bool, lines int) {
		t.Helper()
		b.now = b.now.Add(after)
		if err := j.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := renew.ReadSecret(t.Context(), b.Documents)
		if err != nil || asked != wantAsked || !s.Ends.Equal(wantEnds) || (s.Warning(b.now).Why != "") != warned {
			t.Errorf("%s: asked %d times, %+v, %v", when, asked, s, err)
		}
		if got := strings.Count(log.String(), "entra client secret expires"); got != lines {
			t.Errorf("%s: told %d times, want %d", when, got, lines)
		}
	}
	first, hour := ends, time.Hour
	step("at a start", 0, 1, first, false, 0)
	step("a minute later", time.Minute, 1, first, false, 0)
	step("30 days before", 24*hour-time.Minute, 2, first, true, 1)
	step("just then", time.Minute, 2, first, true, 1)
	ends = ends.AddDate(1, 0, 0)
	step("another is in place", hour-time.Minute, 3, ends, false, 1)
	second := ends
	refused, ends = errors.New("403"), time.Time{}
	step("within the day", hour, 3, second, false, 1)
	step("it is refused", 23*hour, 4, time.Time{}, false, 1)
	if s, err := renew.ReadSecret(t.Context(), b.Documents); err != nil || s.Unknown != "403" {
		t.Errorf("%+v, %v", s, err)
	}
	refused, ends = nil, b.now.AddDate(0, 0, 10)
	j = job()
	step("at the next start", 0, 5, ends, true, 2)
	step("a day later", 24*hour, 6, ends, true, 3)
	used = renew.Certificate
	step("a certificate is in its place", 24*hour, 7, ends, true, 4)
	if s, err := renew.ReadSecret(t.Context(), b.Documents); err != nil || !strings.Contains(s.Warning(b.now).Why, "make another certificate") {
		t.Errorf("%+v, %v", s, err)
	}
	used, ends = renew.Federation, time.Time{}
	step("AWS's word is in its place", 24*hour, 8, ends, false, 4)
}

func TestATokenIsWarnedOfInItsLast30DaysAndUrgentInTheLast14(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for days, want := range map[int][2]bool{31: {false, false}, 30: {true, false}, 15: {true, false}, 14: {true, true}} {
		ends := now.AddDate(0, 0, days)
		for what, s := range map[string]renew.TokenState{"fixed": {Fixed: true, AccessEnds: ends}, "refresh": {RefreshEnds: ends}} {
			if w := s.Warning(now); (w.Why != "") != want[0] || w.Urgent != want[1] {
				t.Errorf("%s token, %d days before: %+v", what, days, w)
			}
		}
	}
}
