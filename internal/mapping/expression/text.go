package expression

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// texts are the functions that make a text of another.
func texts() []definition {
	return []definition{
		{
			signature: "Append(source, suffix)", least: 2, most: 2, compile: always(appended),
			does: "The source with the suffix behind it; null if the source is null.",
		},
		{
			signature: "BitAnd(value1, value2)", least: 2, most: 2, numbers: []int{0, 1}, compile: always(bitAnd),
			does: "The number whose bits are set in both numbers.",
		},
		{
			signature: "ConvertToBase64(source)", least: 1, most: 1, compile: textual(toBase64),
			does: "The source in UTF-16, as .NET has texts, in base64.",
		},
		{
			signature: "ConvertToUTF8Hex(source)", least: 1, most: 1, compile: textual(toHex),
			does: "The bytes of the source in UTF-8, in hexadecimal.",
		},
		{
			signature: "CStr(value)", least: 1, most: 1, compile: textual(func(s string) string { return s }),
			does: "The value as a text; a boolean is \"True\" or \"False\".",
		},
		{
			signature: "InStr(value1, value2, start, compareType)", least: 2, most: 4, optional: []int{2, 3}, places: []int{2}, compile: inStr,
			does: "The place of the first value2 in value1, from 1, looked for from start; 0 if there is none. compareType is vbBinaryCompare, or vbTextCompare if case does not matter.",
		},
		{
			signature: "Left(String, NumChars)", least: 2, most: 2, numbers: []int{1}, compile: always(left),
			does: "The first characters; all of them if NumChars is negative, an empty text if String is null.",
		},
		{
			signature: "Len(String)", least: 1, most: 1, compile: always(length),
			does: "The number of characters; 0 of null.",
		},
		{
			signature: "Mid(source, start, length)", least: 3, most: 3, numbers: []int{2}, places: []int{1}, compile: always(mid),
			does: "The characters from start, which counts from 1.",
		},
		{
			signature: "NormalizeDiacritics(source)", least: 1, most: 1, compile: textual(normalizeDiacritics),
			does: "The source with Latin letters instead of Latin letters that have marks.",
		},
		{
			signature: "PCase(source, wordSeparators)", least: 1, most: 2, optional: []int{1}, compile: always(properCase),
			does: "Each word with a capital at its beginning and small letters behind it. Words end where wordSeparators has a character; without it at anything that is no letter, digit, mark or apostrophe.",
		},
		{
			signature: "StripSpaces(source)", least: 1, most: 1, compile: textual(func(s string) string { return strings.ReplaceAll(s, " ", "") }),
			does: "The source without its spaces.",
		},
		{
			signature: "ToLower(source, culture)", least: 1, most: 2, optional: []int{1}, compile: inCase(strings.ToLower, strings.ToLowerSpecial),
			does: "The source in small letters, by the rules of a culture such as tr-TR.",
		},
		{
			signature: "ToUpper(source, culture)", least: 1, most: 2, optional: []int{1}, compile: inCase(strings.ToUpper, strings.ToUpperSpecial),
			does: "The source in capital letters, by the rules of a culture such as tr-TR.",
		},
		{
			signature: "Word(String, WordNumber, Delimiters)", least: 3, most: 3, numbers: []int{1}, compile: always(word),
			does: "One word of String, counted from 1; words are what stands between characters of Delimiters. Empty if there are fewer.",
		},
	}
}

// textual is the compile of a function of one text, which makes null of null.
func textual(f func(string) string) func(arguments) (compute, error) {
	return always(func(e *evaluation, args arguments) (any, error) {
		s, there, err := e.text(args.at(0))
		if err != nil || !there {
			return nil, err
		}
		return f(s), nil
	})
}

func appended(e *evaluation, args arguments) (any, error) {
	source, there, err := e.text(args.at(0))
	if err != nil || !there {
		return nil, err
	}
	suffix, _, err := e.text(args.at(1))
	return source + suffix, err
}

func bitAnd(e *evaluation, args arguments) (any, error) {
	a, err := e.integer(args.at(0), "value1")
	if err != nil {
		return nil, err
	}
	b, err := e.integer(args.at(1), "value2")
	return a & b, err
}

func toBase64(s string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	return base64.StdEncoding.EncodeToString(encoded)
}

func toHex(s string) string { return fmt.Sprintf("%X", s) }

// from is what is left of a text behind some of its characters.
func from(s string, characters int64) string {
	for i := range s {
		if characters <= 0 {
			return s[i:]
		}
		characters--
	}
	return ""
}

// upTo is the beginning of a text.
func upTo(s string, characters int64) string { return s[:len(s)-len(from(s, characters))] }

func left(e *evaluation, args arguments) (any, error) {
	s, _, err := e.text(args.at(0))
	if err != nil {
		return nil, err
	}
	n, err := e.integer(args.at(1), "NumChars")
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return s, nil
	}
	return upTo(s, n), nil
}

func length(e *evaluation, args arguments) (any, error) {
	s, _, err := e.text(args.at(0))
	return int64(utf8.RuneCountInString(s)), err
}

func mid(e *evaluation, args arguments) (any, error) {
	s, there, err := e.text(args.at(0))
	if err != nil || !there {
		return nil, err
	}
	start, err := e.integer(args.at(1), "start")
	if err != nil {
		return nil, err
	}
	n, err := e.integer(args.at(2), "length")
	if err != nil {
		return nil, err
	}
	if start < 1 || n < 0 {
		return nil, errors.New("start counts from 1, and length is not negative")
	}
	return upTo(from(s, start-1), n), nil
}

// inStr compiles InStr, of which compareType is a constant of Visual Basic's.
func inStr(args arguments) (compute, error) {
	folded, err := compiled(args.at(3), func(name string) (func(string) string, error) {
		switch strings.ToLower(name) {
		case "", "vbbinarycompare":
			return func(s string) string { return s }, nil
		case "vbtextcompare":
			return func(s string) string { return strings.Map(unicode.ToLower, s) }, nil
		default:
			return nil, errors.New("compareType is vbBinaryCompare or vbTextCompare")
		}
	})
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		s, _, err := e.text(args.at(0))
		if err != nil {
			return nil, err
		}
		sought, _, err := e.text(args.at(1))
		if err != nil {
			return nil, err
		}
		start := int64(1)
		if args.at(2) != nil {
			if start, err = e.integer(args.at(2), "start"); err != nil {
				return nil, err
			}
		}
		fold, err := folded(e)
		if err != nil {
			return nil, err
		}
		return place(fold(s), fold(sought), start)
	}, nil
}

// place is where a text is found in another, in characters from 1.
func place(s, sought string, start int64) (any, error) {
	if start < 1 {
		return nil, errors.New("start counts from 1")
	}
	rest := from(s, start-1)
	at := strings.Index(rest, sought)
	if at < 0 || rest == "" {
		return int64(0), nil
	}
	return start + int64(utf8.RuneCountInString(rest[:at])), nil
}

func word(e *evaluation, args arguments) (any, error) {
	s, _, err := e.text(args.at(0))
	if err != nil {
		return nil, err
	}
	n, err := e.integer(args.at(1), "WordNumber")
	if err != nil {
		return nil, err
	}
	delimiters, _, err := e.text(args.at(2))
	if err != nil {
		return nil, err
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
		if n--; n == 0 {
			return word, nil
		}
	}
	return "", nil
}

// cultureName is the form of a culture's name (RFC 4646).
var cultureName = regexp.MustCompile(`^([A-Za-z]{2,3})(-[A-Za-z0-9]{2,8})*$`)

// inCase compiles ToLower and ToUpper. Of the cultures of .NET, Turkish and
// Azerbaijani have an i of their own.
func inCase(invariant func(string) string, special func(unicode.SpecialCase, string) string) func(arguments) (compute, error) {
	return func(args arguments) (compute, error) {
		inCulture, err := compiled(args.at(1), func(culture string) (func(string) string, error) {
			if culture == "" {
				return invariant, nil
			}
			name := cultureName.FindStringSubmatch(culture)
			if name == nil {
				return nil, errors.New("the culture has the form of en-US")
			}
			if language := strings.ToLower(name[1]); language == "tr" || language == "az" {
				return func(s string) string { return special(unicode.TurkishCase, s) }, nil
			}
			return invariant, nil
		})
		if err != nil {
			return nil, err
		}
		return func(e *evaluation) (any, error) {
			s, there, err := e.text(args.at(0))
			if err != nil || !there {
				return nil, err
			}
			change, err := inCulture(e)
			if err != nil {
				return nil, err
			}
			return change(s), nil
		}, nil
	}
}

func properCase(e *evaluation, args arguments) (any, error) {
	s, there, err := e.text(args.at(0))
	if err != nil || !there {
		return nil, err
	}
	separators, chosen, err := e.text(args.at(1))
	if err != nil {
		return nil, err
	}
	separates := separatesWords
	if chosen {
		separates = func(r rune) bool { return strings.ContainsRune(separators, r) }
	}
	begins := true
	return strings.Map(func(r rune) rune {
		switch {
		case separates(r):
			begins = true
			return r
		case begins:
			begins = false
			return unicode.ToTitle(r)
		default:
			return unicode.ToLower(r)
		}
	}, s), nil
}

// separatesWords reports whether a character separates words to .NET's
// ToTitleCase, to which an apostrophe belongs to its word.
func separatesWords(r rune) bool {
	return r != '\'' && unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.P, unicode.S)
}
