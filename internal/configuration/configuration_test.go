package configuration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/configuration"
)

// documents are kept in memory.
type documents struct {
	data     map[string][]byte
	versions map[string]int64
}

func (d *documents) Document(_ context.Context, name string) ([]byte, int64, error) {
	return d.data[name], d.versions[name], nil
}

func (d *documents) PutDocument(_ context.Context, name string, data []byte, version int64) error {
	if d.versions[name] != version {
		return errors.New("another version")
	}
	d.data[name] = data
	d.versions[name]++
	return nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newStore() (*configuration.Store, *documents) {
	d := &documents{data: map[string][]byte{}, versions: map[string]int64{}}
	return &configuration.Store{Documents: d, Default: []byte("default"), Now: func() time.Time { return noon }}, d
}

func apply(t *testing.T, s *configuration.Store, text string, after int) configuration.Version {
	t.Helper()
	v, err := s.Apply(t.Context(), []byte(text), after, configuration.Version{By: "ada", Note: "why " + text})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheDefaultServesUntilOneIsApplied(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	v, err := s.InForce(t.Context())
	if err != nil || v.Number != 0 {
		t.Errorf("version %d, %v", v.Number, err)
	}
	stored, err := s.Read(t.Context(), 0)
	if err != nil || string(stored.Text) != "default" || stored.Hash != v.Hash {
		t.Errorf("%+v, %v", stored, err)
	}
	if _, pending, err := s.Pending(t.Context()); pending || err != nil {
		t.Errorf("pending %t, %v", pending, err)
	}
}

func TestVersionsAreKeptAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	apply(t, s, "one", 0)
	apply(t, s, "two", 1)
	apply(t, s, "one", 2)
	v, err := s.InForce(t.Context())
	if diff := cmp.Diff(configuration.Version{Number: 3, At: noon, By: "ada", Note: "why one", Hash: v.Hash}, v); diff != "" || err != nil {
		t.Error(diff, err)
	}
	var numbers []int
	history, err := s.History(t.Context())
	for _, v := range history {
		numbers = append(numbers, v.Number)
	}
	if diff := cmp.Diff([]int{3, 2, 1, 0}, numbers); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for number, text := range []string{"default", "one", "two", "one"} {
		if stored, err := s.Read(t.Context(), number); err != nil || string(stored.Text) != text {
			t.Errorf("version %d: %q, %v", number, stored.Text, err)
		}
	}
	if _, err := s.Read(t.Context(), 4); err == nil {
		t.Error("there is a version 4")
	}
}

func TestOfTwoWhoApplyAfterTheSameVersionTheSecondIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	apply(t, s, "one", 0)
	if _, err := s.Apply(t.Context(), []byte("two"), 0, configuration.Version{By: "bob"}); !errors.Is(err, configuration.ErrOutdated) {
		t.Errorf("error %v", err)
	}
	if v := apply(t, s, "one", 0); v.Number != 1 { // whose answer was lost
		t.Errorf("version %d", v.Number)
	}
}

func TestAVersionIsPendingUntilEverybodyIsEvaluatedByIt(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	apply(t, s, "one", 0)
	if before, pending, err := s.Pending(t.Context()); before != 0 || !pending || err != nil {
		t.Errorf("%d, pending %t, %v", before, pending, err)
	}
	if err := s.Evaluated(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if before, pending, err := s.Pending(t.Context()); before != 1 || pending || err != nil {
		t.Errorf("%d, pending %t, %v", before, pending, err)
	}
}

func TestATextThatWasAlteredIsNotTaken(t *testing.T) {
	t.Parallel()
	s, d := newStore()
	apply(t, s, "one", 0)
	for name := range d.data {
		if strings.HasPrefix(name, "configuration ") {
			d.data[name] = []byte(`"another"`)
		}
	}
	if _, err := s.Read(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "not what was applied") {
		t.Errorf("error %v", err)
	}
}
