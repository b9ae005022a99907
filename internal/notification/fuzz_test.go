package notification_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

// Whatever is posted, the answer is one of three, what is queued can be
// encoded, names each user once and of each group each member once, and
// nothing is queued that does not carry the secret, nor is renew woken.
func FuzzDelivery(f *testing.F) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("list events: %d files, %v", len(files), err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatalf("read event: %v", err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"value":[{"clientState":"secretClientValue","resource":"users/` + userID + `","changeType":"deleted"}]}`))
	for _, elements := range []string{
		``, `{"id":"` + userID + `"},{"id":"` + strings.ToUpper(userID) + `","@removed":{"reason":"deleted"}}`,
		`{"id":"ann@example.com"},{"id":7},null,"]"`, strings.Join(members(0, change.MaxMembers+1), ","),
	} {
		f.Add([]byte(`{"value":[` + membership(f, elements) + `,` + membership(f, members(0, 1)...) + `]}`))
	}
	f.Add(bytes.ReplaceAll(event(f, "group-members-delta.json"), []byte(`"members@delta": [`), []byte(`"members@delta":{},"x":[`)))
	f.Add([]byte(`{"value":[[[{"a":"]\"\\"}]],{},"}",1.5e3 , null],"Value":[]}`))

	f.Fuzz(func(t *testing.T, body []byte) {
		queue := new(memory)
		w := post(newHandler(t, notification.Config{Queue: queue}), "/notifications", bytes.NewReader(body))
		switch w.Code {
		case http.StatusAccepted, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("answer %d", w.Code)
		}
		if w.Code != http.StatusAccepted && len(queue.changes) > 0 {
			t.Errorf("answer %d, but queued %v", w.Code, queue.changes)
		}
		queued := make(map[string]bool)
		for _, c := range queue.changes {
			if _, err := c.Encode(); err != nil || c.Source != change.Notification {
				t.Errorf("queued %v: %v", c, err)
			}
			for _, name := range named(c) {
				if queued[name] {
					t.Errorf("queued %s twice", name)
				}
				queued[name] = true
			}
		}

		// The same body, where the secret is one that it cannot know.
		unknown := fmt.Sprintf("%x", sha256.Sum256(body))
		stranger, renew := new(memory), new(woken)
		post(newHandler(t, notification.Config{ClientState: unknown, Queue: stranger, Renew: renew}), "/notifications", bytes.NewReader(body))
		if len(stranger.changes) > 0 || len(renew.times) > 0 {
			t.Errorf("without the secret: queued %v, woken with %v", stranger.changes, renew.times)
		}
	})
}

// named is what a change may name once: its object, or each member it has.
func named(c change.Change) []string {
	if len(c.Members) == 0 {
		return []string{c.String()}
	}
	var names []string
	for _, member := range c.Members {
		names = append(names, c.String()+" "+member)
	}
	return names
}
