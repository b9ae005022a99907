package document_test

import (
	"context"
	"errors"
	"testing"

	"entrawebex/internal/document"
)

type counter struct {
	N int `json:"n"`
}

var errDown = errors.New("the store is down")

// memory is a store of one document. Before a write, before is called; it says
// whether the write is refused, and lose whether its answer is lost.
type memory struct {
	data    []byte
	version int64
	before  func() error
	lose    bool
	writes  int
}

func (m *memory) Document(context.Context, string) ([]byte, int64, error) {
	return m.data, m.version, nil
}

func (m *memory) PutDocument(_ context.Context, _ string, data []byte, version int64) error {
	m.writes++
	if m.before != nil {
		if err := m.before(); err != nil {
			return err
		}
	}
	if version != m.version {
		return errors.New("conflict")
	}
	m.data, m.version = data, version+1
	if m.lose {
		return errDown
	}
	return nil
}

// another writes n once, before the write that comes next.
func (m *memory) another(n string) {
	m.before = func() error {
		m.before = nil
		m.data, m.version = []byte(`{"n":`+n+`}`), m.version+1
		return nil
	}
}

func TestWhatALaterVersionKeepsInADocumentStays(t *testing.T) {
	t.Parallel()
	m := &memory{data: []byte(`{"n":1,"later":{"a":1}}`), version: 1}
	if err := m.counter().Update(t.Context(), func(c *counter) (bool, error) { c.N++; return true, nil }); err != nil {
		t.Fatal(err)
	}
	if got, want := string(m.data), `{"n":2,"later":{"a":1}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func (m *memory) counter() document.Document[counter] {
	return document.Document[counter]{Store: m, Name: "counter"}
}

func increase(c *counter) (bool, error) {
	c.N++
	return true, nil
}

func TestAnUpdateThatMeetsAnotherIsMadeOnWhatThatOneWrote(t *testing.T) {
	t.Parallel()
	m := new(memory)
	m.another("40")
	for range 2 {
		if err := m.counter().Update(t.Context(), increase); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := m.counter().Read(t.Context()); c.N != 42 || err != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAWriteWhoseAnswerIsLostIsOneWrite(t *testing.T) {
	t.Parallel()
	m := &memory{lose: true}
	if err := m.counter().Update(t.Context(), increase); err != nil || string(m.data) != `{"n":1}` || m.writes != 1 {
		t.Errorf("%s after %d writes, %v", m.data, m.writes, err)
	}
}

func TestAStoreThatIsDownIsTriedSoManyTimes(t *testing.T) {
	t.Parallel()
	m := &memory{before: func() error { return errDown }}
	if err := m.counter().Update(t.Context(), increase); !errors.Is(err, errDown) || errors.Is(err, document.ErrChanged) || m.writes != 8 {
		t.Errorf("%v after %d writes", err, m.writes)
	}
}

func TestAnEditThatChangesNothingOrFailsWritesNothing(t *testing.T) {
	t.Parallel()
	m := &memory{data: []byte(`{"n":7}`), version: 1}
	for _, edit := range []func(*counter) (bool, error){
		func(c *counter) (bool, error) { c.N = 8; return false, nil },
		func(c *counter) (bool, error) { c.N = 8; return true, errDown },
	} {
		if err := m.counter().Update(t.Context(), edit); err != nil && !errors.Is(err, errDown) {
			t.Error(err)
		}
	}
	if m.writes > 0 {
		t.Errorf("%d writes, %s", m.writes, m.data)
	}
}

// Whoever has a copy learns that somebody wrote, also if that wrote the same.
func TestAnUpdateThatLeavesTheValueMakesACopyStale(t *testing.T) {
	t.Parallel()
	m := &memory{data: []byte(`{"n":7}`), version: 1}
	c, err := m.counter().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Save(t.Context()); err != nil || m.writes > 0 {
		t.Fatalf("a copy that is as it was: %d writes, %v", m.writes, err)
	}
	if err := m.counter().Update(t.Context(), func(*counter) (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	c.Value.N = 8
	if err := c.Save(t.Context()); !errors.Is(err, document.ErrChanged) {
		t.Errorf("saved over it: %v", err)
	}
}

func TestACopyIsSavedOnlyInPlaceOfWhatWasRead(t *testing.T) {
	t.Parallel()
	m := new(memory)
	c, err := m.counter().Open(t.Context())
	if err != nil || c.Version != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	for n := 1; n <= 2; n++ { // again and again, by whoever read it
		c.Value.N = n
		if err := c.Save(t.Context()); err != nil || c.Version != int64(n) {
			t.Fatalf("version %d, %v", c.Version, err)
		}
	}
	m.another("9")
	c.Value.N = 3
	if err := c.Save(t.Context()); !errors.Is(err, document.ErrChanged) || string(m.data) != `{"n":9}` {
		t.Errorf("%s, %v", m.data, err)
	}
}

func TestWhatCannotBeDecodedIsSaidAndCanBeReplaced(t *testing.T) {
	t.Parallel()
	m := &memory{data: []byte(`{"n":"x"}`), version: 3}
	if err := m.counter().Update(t.Context(), increase); !errors.Is(err, document.ErrMalformed) || m.writes > 0 {
		t.Errorf("updated: %v", err)
	}
	c, err := m.counter().Open(t.Context())
	if !errors.Is(err, document.ErrMalformed) || c.Value != (counter{}) || c.Version != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := c.Save(t.Context()); err != nil || string(m.data) != `{"n":0}` {
		t.Errorf("%s, %v", m.data, err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, data := range []string{`{"n":1}`, `{"n":`, `null`, ``, `[]`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &memory{data: data, version: 1}
		c, err := m.counter().Open(t.Context())
		if err != nil && (!errors.Is(err, document.ErrMalformed) || c.Value != (counter{})) {
			t.Errorf("%q is %+v, %v", data, c, err)
		}
		if err := m.counter().Update(t.Context(), increase); err != nil {
			return
		}
		if again, err := m.counter().Read(t.Context()); err != nil || again.N != c.Value.N+1 {
			t.Errorf("%q became %+v, %v", data, again, err)
		}
	})
}
