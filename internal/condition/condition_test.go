package condition_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"entrawebex/internal/condition"
)

func TestAFailureLastsFromItsFirstToItsEnd(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := condition.Failing{}.With(errors.New("502"), first)
	f = f.With(errors.New("503"), first.Add(time.Minute))
	if want := (condition.Failing{Since: first, Error: "503"}); f != want {
		t.Errorf("%+v, want %+v", f, want)
	}
	if f = f.With(nil, first.Add(time.Hour)); f != (condition.Failing{}) {
		t.Errorf("it fails no more, and is %+v", f)
	}
}

func TestALongReasonIsCutBetweenTwoLetters(t *testing.T) {
	t.Parallel()
	f := condition.Failing{}.With(errors.New("x"+strings.Repeat("é", 400)), time.Now())
	if len(f.Error) != 499 || !utf8.ValidString(f.Error) {
		t.Errorf("%d bytes, whole letters: %t", len(f.Error), utf8.ValidString(f.Error))
	}
}
