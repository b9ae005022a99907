package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

func FuzzDecode(f *testing.F) {
	key := append(groupPrefix("a"), "12345678"...)
	f.Add(key, []byte(`{"id":"1","sentAt":"2026-03-01T09:30:00Z","body":"eA=="}`))
	f.Add(key, []byte(`{"id":"1","attributes":{"a":"b"},"receives":2,"nonce":"2b6c9d1e-8f70-4a3b-9c5d-6e7f8091a2b3","visibleAt":"2026-03-01T09:30:00.5Z"}`))
	f.Add([]byte("12345678"), []byte("{}"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, err := decode(key, value)
		if err != nil {
			return
		}
		m := r.message()
		if gotKey, nonce, ok := parseReceipt(m.Receipt); !ok || string(gotKey) != string(key) || nonce != r.Nonce {
			t.Errorf("the receipt of %x is for %x", key, gotKey)
		}
		encoded, err := json.Marshal(r.stored)
		if err != nil {
			return // a time that JSON can read and not write
		}
		again, err := decode(key, encoded)
		if err != nil {
			t.Fatalf("%s was encoded as %s: %v", value, encoded, err)
		}
		if diff := cmp.Diff(m, again.message(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s was encoded as %s:\n%s", value, encoded, diff)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	r := record{key: append(groupPrefix("a"), "12345678"...), stored: stored{Nonce: uuid.New()}}
	f.Add(r.message().Receipt)
	f.Add("")
	f.Add("!")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, receipt string) {
		key, nonce, ok := parseReceipt(receipt)
		if !ok {
			return
		}
		r := record{key: key, stored: stored{Nonce: nonce}}
		again, nonceAgain, ok := parseReceipt(r.message().Receipt)
		if !ok || string(again) != string(key) || nonceAgain != nonce {
			t.Errorf("%q is for %x, which has the receipt %q", receipt, key, r.message().Receipt)
		}
	})
}

func FuzzParseHiddenKey(f *testing.F) {
	f.Add(record{key: []byte("a\x0012345678"), stored: stored{VisibleAt: time.Unix(1772357400, 5).UTC()}}.hiddenKey())
	f.Add([]byte(timeLayout))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		until, key, err := parseHiddenKey(data)
		if err != nil {
			return
		}
		encoded := record{key: key, stored: stored{VisibleAt: until}}.hiddenKey()
		again, keyAgain, err := parseHiddenKey(encoded)
		if err != nil || !again.Equal(until) || string(keyAgain) != string(key) {
			t.Errorf("%q was encoded as %q, which is %v and %q (error %v)", data, encoded, again, keyAgain, err)
		}
	})
}
