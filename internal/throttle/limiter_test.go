package throttle

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func TestTheCurveIsAsDocumented(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]string{0: "0.80", 5: "0.97", 10: "1.00", 15: "1.02", 20: "1.20", 30: "2.60"} {
		if got := fmt.Sprintf("%.2f", curve(time.Duration(seconds)*time.Second, recovery)); got != want {
			t.Errorf("after %d s %s, want %s", seconds, got, want)
		}
	}
	if before, after := curve(45*time.Second, recovery), curve(46*time.Second, recovery); before > unlimited || after < unlimited {
		t.Errorf("%.2f at 45 s and %.2f at 46 s: unlimited at another time", before, after)
	}
}

// served answers at once.
type served struct{ response *http.Response }

func (s served) RoundTrip(*http.Request) (*http.Response, error) { return s.response, nil }

// BenchmarkRoundTrip measures what a request costs beside its own.
func BenchmarkRoundTrip(b *testing.B) {
	const boundless = 1e15 // so that nothing waits
	for name, limit := range map[string]float64{"unlimited": 0, "limited": boundless} {
		b.Run(name, func(b *testing.B) {
			transport := New(served{&http.Response{StatusCode: http.StatusOK}}, Options{})
			if limit > 0 {
				l := transport.of("")
				l.refused, l.recovery = limit, 1000*time.Hour
				l.tokens = rate.NewLimiter(rate.Limit(limit), 1)
			}
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://example.com", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if r, err := transport.RoundTrip(request); err != nil || r.StatusCode != http.StatusOK {
						b.Error(r, err)
					}
				}
			})
		})
	}
}
