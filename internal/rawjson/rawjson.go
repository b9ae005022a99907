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
	"unicode/utf8"
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
		var unescaped []byte
		for i = skip(object, i+1); object[i] != '}'; i = next(object, i) {
			from := i
			i = end(object, i)
			name := object[from+1 : i-1]
			if !isPlain(name) {
				unescaped = appendText(unescaped[:0], object[from:i])
				name = unescaped
			}
			from = skip(object, skip(object, i)+1) // after the colon
			if i = end(object, from); !yield(name, object[from:i:i]) {
				return
			}
		}
	}
}

// Decoder decodes values as json.Unmarshal does into an any. Objects that it
// decodes share their names, and a text that is the last one of the same name once
// more: pages say "work" of everybody. It is not safe for concurrent use.
type Decoder struct {
	names map[string]*name
	// Reuses says that Reuse is called between pages.
	Reuses bool
	// objects are those to be used again, of which so many are in use.
	objects []map[string]any
	used    int
}

// name is the name of members, and the text that one of them had last.
type name struct {
	text string
	last any
}

// mostNames is how many names are kept from one page to the next: far more than any
// schema has, and few enough where somebody makes them up.
const mostNames = 4096

// Reuse has the objects that were decoded so far written over by those to come:
// nobody may look at them any more. Lists and texts stay as they are.
func (d *Decoder) Reuse() {
	d.used = 0
	if len(d.names) > mostNames {
		clear(d.names)
	}
}

// Make returns an empty object.
func (d *Decoder) Make() map[string]any {
	if !d.Reuses {
		return map[string]any{}
	}
	if d.used == len(d.objects) {
		d.objects = append(d.objects, map[string]any{})
	}
	object := d.objects[d.used]
	d.used++
	clear(object)
	return object
}

// Value decodes a value. A number that is too large for a float64 is nil.
func (d *Decoder) Value(raw []byte) any { return d.value(d.named(nil), raw) }

// Member returns the name of a member as Name does, and its value.
func (d *Decoder) Member(name, raw []byte) (string, any) {
	kept := d.named(name)
	return kept.text, d.value(kept, raw)
}

func (d *Decoder) value(of *name, raw []byte) any {
	switch raw[0] {
	case '{':
		return d.Object(raw, nil)
	case '[':
		list := []any{}
		for element := range Elements(raw) {
			list = append(list, d.value(of, element))
		}
		return list
	case '"':
		return of.decode(raw)
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

// decode decodes a text, which most often is the last one of that name or differs
// from one member to the next.
func (n *name) decode(raw []byte) any {
	if last, ok := n.last.(string); !ok || last != string(raw[1:len(raw)-1]) || !isPlain(raw[1:len(raw)-1]) {
		n.last = Text(raw)
	}
	return n.last
}

// Object decodes an object: those of its members that are wanted, all if wanted
// is nil.
func (d *Decoder) Object(raw []byte, wanted func(name string) bool) map[string]any {
	object := d.Make()
	for name, value := range Members(raw) {
		if name := d.named(name); wanted == nil || wanted(name.text) {
			object[name.text] = d.value(name, value)
		}
	}
	return object
}

// Name returns a name that may be kept, the same one each time.
func (d *Decoder) Name(name []byte) string { return d.named(name).text }

func (d *Decoder) named(text []byte) *name {
	if kept, ok := d.names[string(text)]; ok {
		return kept
	}
	if d.names == nil {
		d.names = map[string]*name{}
	}
	kept := &name{text: string(text)}
	d.names[kept.text] = kept
	return kept
}

// Text decodes a string, quotes and all.
func Text(raw []byte) string {
	if within := raw[1 : len(raw)-1]; isPlain(within) {
		return string(within)
	}
	return string(appendText(nil, raw))
}

// appendText appends what a string stands for.
func appendText(to, raw []byte) []byte {
	if plain, ok := appendUnescaped(to, raw[1:len(raw)-1]); ok {
		return plain
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is valid
	return append(to, s...)
}

// appendUnescaped is appendText of what is within quotes; false if anything but
// quotes and backslashes is escaped. A SCIM path that is a name has such, and is in
// every record of the ledger.
func appendUnescaped(to, within []byte) ([]byte, bool) {
	if !utf8.Valid(within) {
		return nil, false
	}
	for i := 0; i < len(within); i++ {
		if within[i] == '\\' {
			if i++; within[i] != '"' && within[i] != '\\' {
				return nil, false
			}
		}
		to = append(to, within[i])
	}
	return to, true
}

// isPlain reports whether what is within quotes stands for itself.
func isPlain(within []byte) bool { return bytes.IndexByte(within, '\\') < 0 && utf8.Valid(within) }

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
