package console

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// flushed counts how often something is sent.
type flushed struct {
	*httptest.ResponseRecorder

	times int
}

func (f *flushed) Flush() { f.times++ }

func TestAPageIsToldFourTimesASecondAtMost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		each        func(asked int) string
		least, most int
	}{
		"all is another each time": {func(asked int) string { return fmt.Sprint(asked) }, 238, 241},
		"nothing changes":          {func(int) string { return "the same" }, 4, 5}, // and it is alive
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pages{Options: Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				w := &flushed{ResponseRecorder: httptest.NewRecorder()}
				asked := 0
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
				p.stream(w, r, func(context.Context) ([]region, error) {
					asked++
					return []region{{"pipeline", []byte(test.each(asked))}}, nil
				})
				if w.times < test.least || w.times > test.most {
					t.Errorf("it was told %d times in a minute", w.times)
				}
			})
		})
	}
}
