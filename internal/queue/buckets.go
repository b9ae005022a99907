package queue

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// buckets is a Bolt queue within a transaction. Every message is under its
// key: its group, a zero byte and its number, so that the messages of a group
// are neighbours, oldest first. A group is in ready exactly if it has
// messages and none is in flight.
type buckets struct {
	messages *bbolt.Bucket // key → stored
	ready    *bbolt.Bucket // number of the group's oldest message → group
	hidden   *bbolt.Bucket // time the message becomes visible, key → nothing
}

const (
	bucketPrefix   = "queue/"
	messagesBucket = "messages"
	readyBucket    = "ready"
	hiddenBucket   = "hidden"
)

// numberSize is the size of a message's number, big-endian.
const numberSize = 8

// timeLayout gives times of one length that sort as their texts do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// maxExpire bounds the transaction in which messages become visible again;
// the others do in the next one.
const maxExpire = 1000

func createBuckets(tx *bbolt.Tx, name string) error {
	b, err := tx.CreateBucketIfNotExists([]byte(bucketPrefix + name))
	if err != nil {
		return err
	}
	for _, part := range []string{messagesBucket, readyBucket, hiddenBucket} {
		if _, err := b.CreateBucketIfNotExists([]byte(part)); err != nil {
			return fmt.Errorf("create bucket %s: %w", part, err)
		}
	}
	return nil
}

func openBuckets(tx *bbolt.Tx, name string) buckets {
	b := tx.Bucket([]byte(bucketPrefix + name))
	return buckets{
		messages: b.Bucket([]byte(messagesBucket)),
		ready:    b.Bucket([]byte(readyBucket)),
		hidden:   b.Bucket([]byte(hiddenBucket)),
	}
}

// add puts a message behind the others of its group.
func (b buckets) add(group string, s stored) error {
	n, err := b.messages.NextSequence()
	if err != nil {
		return fmt.Errorf("number a message: %w", err)
	}
	number := binary.BigEndian.AppendUint64(nil, n)
	prefix := groupPrefix(group)
	if first, _ := b.messages.Cursor().Seek(prefix); !bytes.HasPrefix(first, prefix) {
		if err := b.ready.Put(number, []byte(group)); err != nil {
			return fmt.Errorf("make group %s ready: %w", group, err)
		}
	}
	return b.put(record{key: append(prefix, number...), stored: s})
}

// due reports whether a message may be there to receive; if none is, when the
// next one becomes visible, zero for never.
func (b buckets) due(now time.Time) (bool, time.Time, error) {
	if first, _ := b.ready.Cursor().First(); first != nil {
		return true, time.Time{}, nil
	}
	first, _ := b.hidden.Cursor().First()
	if first == nil {
		return false, time.Time{}, nil
	}
	next, _, err := parseHiddenKey(first)
	return err == nil && !next.After(now), next, err
}

// expire makes messages visible whose time has come.
func (b buckets) expire(now time.Time) error {
	for range maxExpire {
		first, _ := b.hidden.Cursor().First()
		if first == nil {
			return nil
		}
		until, key, err := parseHiddenKey(first)
		if err != nil || until.After(now) {
			return err
		}
		r, err := decode(bytes.Clone(key), b.messages.Get(key))
		if err != nil {
			return err
		}
		if err := b.show(r); err != nil {
			return err
		}
	}
	return nil
}

// nextGroup takes the group that waits longest out of ready; empty if there
// is none.
func (b buckets) nextGroup() (string, error) {
	number, value := b.ready.Cursor().First()
	if number == nil {
		return "", nil
	}
	group := string(value)
	if err := b.ready.Delete(bytes.Clone(number)); err != nil {
		return "", fmt.Errorf("take group %s: %w", group, err)
	}
	return group, nil
}

// oldest returns up to limit messages from the head of the group.
func (b buckets) oldest(group string, limit int) ([]record, error) {
	var records []record
	prefix := groupPrefix(group)
	c := b.messages.Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix) && len(records) < limit; key, value = c.Next() {
		r, err := decode(bytes.Clone(key), value)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// unlock puts the group in ready unless it is empty or has a message in
// flight. Those are among the oldest that one Receive can hand out: until all
// of them are back or done, no other is handed out.
func (b buckets) unlock(group string) error {
	records, err := b.oldest(group, MaxReceive)
	if err != nil || len(records) == 0 {
		return err
	}
	for _, r := range records {
		if !r.VisibleAt.IsZero() {
			return nil
		}
	}
	if err := b.ready.Put(records[0].number(), []byte(group)); err != nil {
		return fmt.Errorf("make group %s ready: %w", group, err)
	}
	return nil
}

// inFlight returns the message that a receipt is for, and whether the receipt
// is good: of the last receiving, and the message not visible since.
func (b buckets) inFlight(receipt string, now time.Time) (record, bool, error) {
	key, nonce, ok := parseReceipt(receipt)
	if !ok {
		return record{}, false, nil
	}
	value := b.messages.Get(key)
	if value == nil {
		return record{}, false, nil
	}
	r, err := decode(key, value)
	return r, err == nil && r.Nonce == nonce && r.VisibleAt.After(now), err
}

// hide makes the message invisible until then.
func (b buckets) hide(r record, until time.Time) error {
	if err := b.unhide(r); err != nil {
		return err
	}
	r.VisibleAt = until
	if err := b.hidden.Put(r.hiddenKey(), nil); err != nil {
		return fmt.Errorf("hide message %s: %w", r.ID, err)
	}
	return b.put(r)
}

// show makes the message visible.
func (b buckets) show(r record) error {
	if err := b.unhide(r); err != nil {
		return err
	}
	r.VisibleAt, r.Nonce, r.Waits = time.Time{}, uuid.Nil, false
	if err := b.put(r); err != nil {
		return err
	}
	return b.unlock(r.group())
}

// remove removes a message in flight.
func (b buckets) remove(r record) error {
	if err := b.unhide(r); err != nil {
		return err
	}
	if err := b.messages.Delete(r.key); err != nil {
		return fmt.Errorf("delete message %s: %w", r.ID, err)
	}
	return b.unlock(r.group())
}

// recover makes messages visible that somebody received, and returns how many.
func (b buckets) recover() (int, error) {
	var received []record
	c := b.hidden.Cursor()
	for first, _ := c.First(); first != nil; first, _ = c.Next() {
		_, key, err := parseHiddenKey(first)
		if err != nil {
			return 0, err
		}
		r, err := decode(bytes.Clone(key), b.messages.Get(key))
		if err != nil {
			return 0, err
		}
		if !r.Waits {
			received = append(received, r)
		}
	}
	for _, r := range received {
		if err := b.show(r); err != nil {
			return 0, err
		}
	}
	return len(received), nil
}

func (b buckets) unhide(r record) error {
	if r.VisibleAt.IsZero() {
		return nil
	}
	if err := b.hidden.Delete(r.hiddenKey()); err != nil {
		return fmt.Errorf("unhide message %s: %w", r.ID, err)
	}
	return nil
}

func (b buckets) put(r record) error {
	value, err := json.Marshal(r.stored)
	if err != nil {
		return fmt.Errorf("encode message %s: %w", r.ID, err)
	}
	if err := b.messages.Put(r.key, value); err != nil {
		return fmt.Errorf("write message %s: %w", r.ID, err)
	}
	return nil
}

func (b buckets) depth(now time.Time) Depth {
	var d Depth
	c := b.hidden.Cursor()
	for key, _ := c.Seek(now.AppendFormat(nil, timeLayout)); key != nil; key, _ = c.Next() {
		d.InFlight++
	}
	d.Visible = b.messages.Stats().KeyN - d.InFlight
	return d
}

// oldestSent is when the message was sent that has been there longest; zero if there is
// none. It is the oldest of its group, which is ready or has one that is hidden.
func (b buckets) oldestSent() (time.Time, error) {
	var oldest []byte
	messages := b.messages.Cursor()
	meet := func(group []byte) {
		key, _ := messages.Seek(group)
		if !bytes.HasPrefix(key, group) {
			return
		}
		if oldest == nil || bytes.Compare(key[len(group):], oldest[len(oldest)-numberSize:]) < 0 {
			oldest = key
		}
	}
	if first, group := b.ready.Cursor().First(); first != nil {
		meet(groupPrefix(string(group)))
	}
	hidden := b.hidden.Cursor()
	for at, _ := hidden.First(); at != nil; at, _ = hidden.Next() {
		_, key, err := parseHiddenKey(at)
		if err != nil {
			return time.Time{}, err
		}
		if len(key) <= numberSize {
			return time.Time{}, fmt.Errorf("the message key %x is too short", key)
		}
		meet(key[:len(key)-numberSize])
	}
	if oldest == nil {
		return time.Time{}, nil
	}
	r, err := decode(oldest, b.messages.Get(oldest))
	return r.SentAt, err
}

// stored is a message as it is stored, as JSON. Fields may be added, never
// renamed.
type stored struct {
	ID         string            `json:"id"`
	SentAt     time.Time         `json:"sentAt"`
	Body       []byte            `json:"body"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Receives   int               `json:"receives,omitempty"`
	// Nonce and VisibleAt are set while the message is in flight.
	Nonce     uuid.UUID `json:"nonce,omitzero"`
	VisibleAt time.Time `json:"visibleAt,omitzero"`
	// Waits says that it was given back, and that nobody is at it until then.
	Waits bool `json:"waits,omitempty"`
}

// record is a stored message and its key.
type record struct {
	key []byte
	stored
}

func decode(key, value []byte) (record, error) {
	if len(key) <= numberSize {
		return record{}, fmt.Errorf("the message key %x is too short", key)
	}
	r := record{key: key}
	if err := json.Unmarshal(value, &r.stored); err != nil {
		return record{}, fmt.Errorf("decode message %x: %w", key, err)
	}
	return r, nil
}

func (r record) group() string  { return string(r.key[:len(r.key)-numberSize-1]) }
func (r record) number() []byte { return r.key[len(r.key)-numberSize:] }

func (r record) hiddenKey() []byte {
	return append(r.VisibleAt.AppendFormat(nil, timeLayout), r.key...)
}

func (r record) message() Message {
	return Message{
		ID:           r.ID,
		Receipt:      base64.RawURLEncoding.EncodeToString(append(bytes.Clone(r.key), r.Nonce[:]...)),
		Group:        r.group(),
		Body:         r.Body,
		Attributes:   r.Attributes,
		ReceiveCount: r.Receives,
		SentAt:       r.SentAt,
	}
}

func groupPrefix(group string) []byte { return append([]byte(group), 0) }

func parseHiddenKey(key []byte) (time.Time, []byte, error) {
	if len(key) <= len(timeLayout) {
		return time.Time{}, nil, errors.New("the key of a hidden message is too short")
	}
	until, err := time.Parse(timeLayout, string(key[:len(timeLayout)]))
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("decode the key of a hidden message: %w", err)
	}
	return until, key[len(timeLayout):], nil
}

// parseReceipt returns the key and the nonce that record.message put into a
// receipt.
func parseReceipt(receipt string) (key []byte, nonce uuid.UUID, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(receipt)
	if err != nil || len(data) <= len(nonce)+numberSize {
		return nil, uuid.Nil, false
	}
	key = data[:len(data)-len(nonce)]
	copy(nonce[:], data[len(key):])
	return key, nonce, true
}
