package expression

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizeDiacritics replaces Latin letters that have marks by such as have
// none. Marks of other scripts stay: there they make another letter.
func normalizeDiacritics(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	latin := false
	for _, r := range norm.NFD.String(s) {
		if !unicode.Is(unicode.Mn, r) {
			latin = unicode.Is(unicode.Latin, r)
		} else if latin {
			continue
		}
		b.WriteString(undecomposed(r))
	}
	return norm.NFC.String(b.String())
}

// undecomposed is what the table of Microsoft's page has for a letter that
// Unicode does not take apart.
func undecomposed(r rune) string {
	switch r {
	case 'æ':
		return "ae"
	case 'Æ':
		return "AE"
	case 'ı':
		return "i"
	case 'ł':
		return "l"
	case 'Ł':
		return "L"
	case 'ø', 'œ':
		return "oe"
	case 'Ø', 'Œ':
		return "OE"
	case 'ß':
		return "ss"
	default:
		return string(r)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
