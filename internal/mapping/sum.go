package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Sum is the same for two mappings that say the same of their kind, whatever their
// comments, the order of their keys and the way they are written, and whatever the
// provisioning log keeps.
func (m Mapping) Sum() string { return m.sum }

// sumOf is the SHA-256 of what a node says, in hexadecimal digits.
func sumOf(n *yaml.Node) string {
	h := sha256.New()
	say(h, n)
	return hex.EncodeToString(h.Sum(nil))
}

// say writes what a node says. An error of a hash is none.
func say(w io.Writer, n *yaml.Node) {
	_, _ = io.WriteString(w, n.ShortTag()+"\x00"+n.Value+"\x01")
	if n.Kind != yaml.MappingNode {
		for _, one := range n.Content {
			say(w, one)
		}
		_, _ = io.WriteString(w, "\x02")
		return
	}
	type pair struct{ key, value *yaml.Node }
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.key.Value, b.key.Value) })
	for _, p := range pairs {
		if p.key.Value == "log" { // of a line: it changes nothing in Webex
			continue
		}
		say(w, p.key)
		say(w, p.value)
	}
	_, _ = io.WriteString(w, "\x02")
}
