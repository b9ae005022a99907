// Package rawjson walks JSON that is known to be valid without decoding it, so
// that of a page with a thousand objects only what is wanted is allocated. What it
// is given must have passed json.Valid, as everything has that json.Unmarshal
// hands to an UnmarshalJSON.
package rawjson

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
)

// Elements yields the elements of a list as they stand; none of anything else.
func Elements(list []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := skip(list, 0)
		if i == len(list) || list[i] != '[' {
			return
		}
		for i = skip(list, i+1); list[i] != ']'; i = next(list, i) {
			from := i
			if i = end(list, i); !yield(list[from:i:i]) {
				return
			}
		}
	}
}

// Members yields the names of the members of an object, and their values as they
// stand; none of anything else. A name is good until the next.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skip(object, 0)
		if i == len(object) || object[i] != '{' {
			return
		}
		for i = skip(object, i+1); object[i] != '}'; i = next(object, i) {
			from := i
			i = end(object, i)
			name := object[from+1 : i-1]
			if !isPlain(name) {
				name = []byte(Text(object[from:i]))
			}
			from = skip(object, skip(object, i)+1) // after the colon
			if i = end(object, from); !yield(name, object[from:i:i]) {
				return
			}
		}
	}
}

// Decoder decodes values as json.Unmarshal does into an any. Objects that it
// decodes share their names. It is not safe for concurrent use.
type Decoder struct{ names map[string]string }

// Value decodes a value. A number that is too large for a float64 is nil.
func (d *Decoder) Value(raw []byte) any {
	switch raw[0] {
	case '{':
		return d.Object(raw, nil)
	case '[':
		list := []any{}
		for element := range Elements(raw) {
			list = append(list, d.Value(element))
		}
		return list
	case '"':
		return Text(raw)
	case 't', 'f':
		return raw[0] == 't'
	case 'n':
		return nil
	default:
		number, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return nil
		}
		return number
	}
}

// Object decodes an object: those of its members that are wanted, all if wanted
// is nil.
func (d *Decoder) Object(raw []byte, wanted func(name string) bool) map[string]any {
	object := map[string]any{}
	for name, value := range Members(raw) {
		if name := d.Name(name); wanted == nil || wanted(name) {
			object[name] = d.Value(value)
		}
	}
	return object
}

// Name returns a name that may be kept, the same one each time.
func (d *Decoder) Name(name []byte) string {
	if kept, ok := d.names[string(name)]; ok {
		return kept
	}
	if d.names == nil {
		d.names = map[string]string{}
	}
	kept := string(name)
	d.names[kept] = kept
	return kept
}

// Text decodes a string, quotes and all.
func Text(raw []byte) string {
	if within := raw[1 : len(raw)-1]; isPlain(within) {
		return string(within)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is valid
	return s
}

// isPlain reports whether what is within quotes stands for itself.
func isPlain(within []byte) bool {
	for _, c := range within {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// skip returns where the blanks end that begin at i, if any do.
func skip(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// next returns where the element or member after the one that ends at i begins,
// or else the closing bracket.
func next(data []byte, i int) int {
	if i = skip(data, i); data[i] == ',' {
		i = skip(data, i+1)
	}
	return i
}

// end returns where the value ends that begins at i.
func end(data []byte, i int) int {
	switch data[i] {
	case '"':
		return endOfString(data, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch data[i] {
			case '"':
				i = endOfString(data, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	default:
		if n := bytes.IndexAny(data[i:], ",]} \n\t\r"); n >= 0 {
			return i + n
		}
		return len(data)
	}
}

func endOfString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}
