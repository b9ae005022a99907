package console

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// often is how often a page is told something at most: four times a second.
const often = 250 * time.Millisecond

// alive is how often a page is told that nothing is to be told.
const alive = 15 * time.Second

// region is a part of a page as it is now.
type region struct {
	name string
	html []byte
}

// stream tells a page the regions that are other ones than before, as server-sent events,
// until the page is gone (HTML, "Server-sent events").
func (p *pages) stream(w http.ResponseWriter, r *http.Request, next func(ctx context.Context) ([]region, error)) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx keeps back what is not full
	control := http.NewResponseController(w)
	told := map[string][]byte{}
	last := p.Now()
	for tick := time.NewTicker(often); ; {
		var out bytes.Buffer
		regions, err := next(r.Context())
		if err != nil {
			if r.Context().Err() != nil {
				tick.Stop()
				return
			}
			p.Log.WarnContext(r.Context(), "the console cannot watch", "path", r.URL.Path, "error", err)
			regions = []region{{"trouble", []byte(err.Error())}}
		} else {
			regions = append(regions, region{"trouble", nil})
		}
		for _, one := range regions {
			if before, ok := told[one.name]; ok && bytes.Equal(before, one.html) {
				continue
			}
			told[one.name] = one.html
			event(&out, one)
		}
		if out.Len() == 0 && p.Now().Sub(last) >= alive {
			out.WriteString(": here\n\n")
		}
		if out.Len() > 0 {
			last = p.Now()
			if _, err := out.WriteTo(w); err != nil || control.Flush() != nil {
				tick.Stop()
				return
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			tick.Stop()
			return
		}
	}
}

// event writes one region. A line feed would end its line.
func event(out *bytes.Buffer, one region) {
	out.WriteString("event: " + one.name + "\n")
	for line := range bytes.Lines(one.html) {
		out.WriteString("data: ")
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	if len(one.html) == 0 {
		out.WriteString("data: \n")
	}
	out.WriteByte('\n')
}
