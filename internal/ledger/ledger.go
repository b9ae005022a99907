// Package ledger keeps what provisioning must remember: each object's record,
// which Webex account belongs to which object, and small named documents.
//
// It has two stores, Bolt and DynamoDB, that behave alike in all that the
// conformance suite checks. In both, what one call wrote the next one reads,
// a call that returns an error for a condition wrote nothing, and a lease's
// end is kept to the millisecond.
package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/rawjson"
)

// MaxSize is the size in bytes of the largest record or document, as JSON or
// as given. It leaves room for names and keys in a DynamoDB item, which holds
// 400 KB ("Constraints in Amazon DynamoDB", AWS Developer Guide).
const MaxSize = 384 << 10

// recordKey is the key of an object's record, and its name in a link.
func recordKey(o change.Object) string { return string(o.Kind) + "#" + o.ID }

// linkedObject returns the object whose recordKey it is.
func linkedObject(key string) (change.Object, error) {
	kind, id, ok := strings.Cut(key, "#")
	if !ok || kind == "" || id == "" {
		return change.Object{}, fmt.Errorf("decode link: %q names no object", key)
	}
	return change.Object{Kind: change.Kind(kind), ID: id}, nil
}

func encodeRecord(r provision.Record) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	data = rawjson.Append(data, r.Unknown)
	if err := checkSize(data); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return data, nil
}

// decodeRecord reads what is stored as the record of o. One that names
// another object is refused: the engine would act on the wrong person.
func decodeRecord(o change.Object, data []byte) (provision.Record, error) {
	return decodeRecordWith(&rawjson.Decoder{}, o, data)
}

// decodeRecordWith is decodeRecord for many records, whose names are there once.
func decodeRecordWith(values *rawjson.Decoder, o change.Object, data []byte) (provision.Record, error) {
	if err := checkSize(data); err != nil {
		return provision.Record{}, fmt.Errorf("decode record: %w", err)
	}
	r, ok := decodeResting(values, o, data)
	if !ok {
		var err error
		if r, err = decodeAnyRecord(data); err != nil {
			return provision.Record{}, err
		}
	}
	if r.Object != o {
		return provision.Record{}, errors.New("decode record: it is that of another object")
	}
	return r, nil
}

// decodeAnyRecord reads whatever json.Unmarshal does.
func decodeAnyRecord(data []byte) (provision.Record, error) {
	var r provision.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return provision.Record{}, fmt.Errorf("decode record: %w", err)
	}
	r.Unknown = rawjson.Unknown[provision.Record](data)
	return r, nil
}

// decodeResting reads the record of o as json.Unmarshal does, and for a fraction of
// what that costs, if nothing is open about the object: a comparison of everything
// reads all records, and nearly all are so. It is false for every other.
func decodeResting(values *rawjson.Decoder, o change.Object, data []byte) (provision.Record, bool) {
	if !json.Valid(data) {
		return provision.Record{}, false
	}
	var r provision.Record
	for name, value := range rawjson.Members(data) {
		var ok bool
		switch string(name) {
		case "object":
			r.Object, ok = o, isObject(value, o)
		case "webexId":
			if ok = value[0] == '"'; ok {
				r.WebexID = rawjson.Text(value)
			}
		case "written":
			if ok = r.LastWritten == nil; ok {
				r.LastWritten, ok = decodeScalars(values, value)
			}
		case "concluded":
			ok = r.Concluded.UnmarshalJSON(value) == nil
		}
		if !ok {
			return provision.Record{}, false
		}
	}
	return r, true
}

// isObject reports whether it is o as encodeRecord writes it. What does not stand for
// itself is read by others.
func isObject(raw []byte, o change.Object) bool {
	if bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw) {
		return false
	}
	wanted := [...]struct{ name, value string }{{"kind", string(o.Kind)}, {"id", o.ID}}
	at := 0
	for name, value := range rawjson.Members(raw) {
		if at == len(wanted) || string(name) != wanted[at].name || value[0] != '"' || string(value[1:len(value)-1]) != wanted[at].value {
			return false
		}
		at++
	}
	return at == len(wanted)
}

// decodeScalars reads an object of texts and booleans; false if there is anything
// else in it.
func decodeScalars(values *rawjson.Decoder, raw []byte) (map[string]any, bool) {
	if raw[0] != '{' {
		return nil, false
	}
	scalars := map[string]any{}
	for name, value := range rawjson.Members(raw) {
		if c := value[0]; c != '"' && c != 't' && c != 'f' {
			return nil, false
		}
		name, decoded := values.Member(name, value)
		scalars[name] = decoded
	}
	return scalars, true
}

func checkSize(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%d bytes, more than the %d the ledger keeps", len(data), MaxSize)
	}
	return nil
}
