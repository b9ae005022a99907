package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// formatDateTime compiles FormatDateTime.
func formatDateTime(args arguments) (compute, error) {
	styles, err := compiled(args.at(1), parseStyles)
	if err != nil {
		return nil, err
	}
	input, err := compiled(args.at(2), parseFormat)
	if err != nil {
		return nil, err
	}
	output, err := compiled(args.at(3), parseFormat)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		text, _, err := e.text(args.at(0))
		if err != nil || text == "" {
			return nil, err
		}
		style, err := styles(e)
		if err != nil {
			return nil, err
		}
		in, err := input(e)
		if err != nil {
			return nil, err
		}
		t, err := in.read(style.trimmed(text), style.inner)
		if err != nil {
			return nil, err
		}
		out, err := output(e)
		if err != nil {
			return nil, err
		}
		return out.write(t), nil
	}, nil
}

// styles are how white space in a date is taken. Those of .NET's DateTimeStyles
// that are about time zones change nothing: all times here are in UTC.
type styles struct{ leading, trailing, inner bool }

// parseStyles reads the names of DateTimeStyles; none for the default of
// FormatDateTime.
func parseStyles(text string) (styles, error) {
	if strings.TrimSpace(text) == "" {
		return styles{leading: true, trailing: true}, nil
	}
	var s styles
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",| ", r) }) {
		switch strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]) {
		case "allowleadingwhite":
			s.leading = true
		case "allowtrailingwhite":
			s.trailing = true
		case "allowinnerwhite":
			s.inner = true
		case "allowwhitespaces":
			s = styles{leading: true, trailing: true, inner: true}
		case "none", "roundtripkind", "adjusttouniversal", "assumeuniversal", "assumelocal", "nocurrentdatedefault":
		default:
			return styles{}, errors.New("dateTimeStyles has names of DateTimeStyles, such as AllowWhiteSpaces; leave it out")
		}
	}
	return s, nil
}

func (s styles) trimmed(text string) string {
	if s.leading {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	if s.trailing {
		text = strings.TrimRightFunc(text, unicode.IsSpace)
	}
	return text
}

// dateFormat is a custom format of .NET.
// https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings
type dateFormat []field

// field is a part of a date, by its letter and how often that is written, or a
// text if letter is 0.
type field struct {
	letter byte
	width  int
	text   string
}

// parseFormat reads a custom format. Other letters than those of .NET stand for
// themselves there; here only T and Z do, since most others are mistakes, such as
// YYYY.
func parseFormat(text string) (dateFormat, error) {
	if text == "" {
		return nil, errors.New("a format is empty; write yyyy-MM-dd, for example")
	}
	if len(text) == 1 && unicode.IsLetter(rune(text[0])) {
		return nil, fmt.Errorf("the format %s alone is one that .NET has a name for; write it out, as M/d/yyyy h:mm:ss tt", text)
	}
	var format dateFormat
	for text != "" {
		next, length, err := nextField(text)
		if err != nil {
			return nil, err
		}
		format, text = append(format, next), text[length:]
	}
	return format, nil
}

// nextField is the first part of a format, and its length.
func nextField(text string) (part field, length int, err error) {
	switch c := text[0]; {
	case c == '\'' || c == '"':
		end := strings.IndexByte(text[1:], c)
		if end < 0 {
			return field{}, 0, fmt.Errorf("a text in the format has no end; write a %c behind it", c)
		}
		return field{text: text[1 : 1+end]}, end + 2, nil
	case c == '\\' || c == '%':
		if len(text) == 1 {
			return field{}, 0, fmt.Errorf("the format ends with %c", c)
		}
		if c == '%' {
			part, length, err = nextField(text[1:])
			return part, length + 1, err
		}
		_, size := utf8.DecodeRuneInString(text[1:])
		return field{text: text[1 : 1+size]}, 1 + size, nil
	case c == 'T' || c == 'Z':
		return field{text: text[:1]}, 1, nil
	case c < utf8.RuneSelf && unicode.IsLetter(rune(c)):
		width := len(text) - len(strings.TrimLeft(text, text[:1]))
		if width > widest(c) {
			return field{}, 0, fmt.Errorf("%s is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks", text[:width])
		}
		return field{letter: c, width: width}, width, nil
	default:
		_, size := utf8.DecodeRuneInString(text)
		return field{text: text[:size]}, size, nil
	}
}

// widest is how often the letter of a part may be written; 0 if there is none.
func widest(letter byte) int {
	switch letter {
	case 'd', 'M':
		return 4
	case 'y':
		return 5
	case 'f', 'F':
		return 7
	case 'h', 'H', 'm', 's', 't':
		return 2
	case 'z':
		return 3
	case 'K':
		return 1
	default:
		return 0
	}
}

// write is a time in the format.
func (f dateFormat) write(t time.Time) string {
	var b strings.Builder
	for _, part := range f {
		if part.letter == 0 {
			b.WriteString(part.text)
			continue
		}
		text := part.write(t)
		if part.letter == 'F' {
			text = strings.TrimRight(text, "0")
		}
		if part.letter == 'F' && text == "" { // the point before a fraction that is 0 goes too
			before := strings.TrimSuffix(b.String(), ".")
			b.Reset()
			b.WriteString(before)
		}
		b.WriteString(text)
	}
	return b.String()
}

const (
	hours   = 12
	century = 100
	nameful = 3 // letters from which on a month or day has its name
)

// write is a part of a time.
func (p field) write(t time.Time) string {
	switch p.letter {
	case 'd':
		if p.width >= nameful {
			return t.Format([]string{"Mon", "Monday"}[p.width-nameful])
		}
		return padded(t.Day(), p.width)
	case 'M':
		if p.width >= nameful {
			return t.Format([]string{"Jan", "January"}[p.width-nameful])
		}
		return padded(int(t.Month()), p.width)
	case 'y':
		if p.width < nameful {
			return padded(t.Year()%century, p.width)
		}
		return padded(t.Year(), p.width)
	case 'h':
		return padded((t.Hour()+hours-1)%hours+1, p.width)
	case 'H':
		return padded(t.Hour(), p.width)
	case 'm':
		return padded(t.Minute(), p.width)
	case 's':
		return padded(t.Second(), p.width)
	case 't':
		return t.Format("PM")[:p.width]
	case 'f', 'F':
		return fmt.Sprintf("%09d", t.Nanosecond())[:p.width]
	case 'K':
		return "Z"
	default: // z, of UTC
		return []string{"+0", "+00", "+00:00"}[p.width-1]
	}
}

func padded(n, width int) string { return fmt.Sprintf("%0*d", width, n) }

var errOtherFormat = errors.New("the value is not in inputFormat")

// reading is a date of which parts were read.
type reading struct {
	year, month, day, hour, minute, second, nanosecond int

	offset    int // seconds east of UTC
	half      int // 12 in the afternoon
	halved    bool
	remaining string
}

// read takes a text apart by the format. What the format lacks is the first: of
// January, of the day.
func (f dateFormat) read(text string, innerWhite bool) (time.Time, error) {
	r := reading{year: 1, month: 1, day: 1, remaining: text}
	for i, part := range f {
		if innerWhite {
			r.remaining = strings.TrimLeftFunc(r.remaining, unicode.IsSpace)
			part.text = strings.TrimLeftFunc(part.text, unicode.IsSpace)
		}
		optional := part.text == "." && i+1 < len(f) && f[i+1].letter == 'F' // the point before a fraction that is 0
		if !r.take(part) && !optional {
			return time.Time{}, errOtherFormat
		}
	}
	if r.remaining != "" {
		return time.Time{}, errOtherFormat
	}
	return r.time()
}

// time is what was read, in UTC, if there is such a time.
func (r *reading) time() (time.Time, error) {
	if r.halved {
		if r.hour < 1 || r.hour > hours {
			return time.Time{}, errOtherFormat
		}
		r.hour = r.hour%hours + r.half
	}
	const perDay, perHour = 24, 60
	if r.hour >= perDay || r.minute >= perHour || r.second >= perHour {
		return time.Time{}, errOtherFormat
	}
	t := time.Date(r.year, time.Month(r.month), r.day, r.hour, r.minute, r.second, r.nanosecond, time.UTC)
	if r.year < 1 || int(t.Month()) != r.month || t.Day() != r.day {
		return time.Time{}, errOtherFormat
	}
	return t.Add(-time.Duration(r.offset) * time.Second), nil
}

// take reads a part; false if the text does not go on with it.
func (r *reading) take(part field) bool {
	switch part.letter {
	case 0:
		rest, there := strings.CutPrefix(r.remaining, part.text)
		r.remaining = rest
		return there
	case 'd':
		if part.width >= nameful {
			return r.name(part.width == nameful, 7, weekday) > 0
		}
		return r.number(&r.day, part.width, 2)
	case 'M':
		if part.width >= nameful {
			r.month = r.name(part.width == nameful, 12, month)
			return r.month > 0
		}
		return r.number(&r.month, part.width, 2)
	case 'y':
		return r.takeYear(part.width)
	case 'h', 'H':
		r.halved = r.halved || part.letter == 'h'
		return r.number(&r.hour, part.width, 2)
	case 'm':
		return r.number(&r.minute, part.width, 2)
	case 's':
		return r.number(&r.second, part.width, 2)
	case 't':
		return r.takeHalf(part.width)
	case 'f', 'F':
		return r.takeFraction(part)
	default:
		return r.takeZone(part)
	}
}

// number reads a number of some digits; as many as there are, up to most, if the
// letter is written once.
func (r *reading) number(to *int, width, most int) bool {
	if width > 1 {
		most = width
	}
	digits := 0
	for digits < len(r.remaining) && digits < most && '0' <= r.remaining[digits] && r.remaining[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits < width {
		return false
	}
	n, err := strconv.Atoi(r.remaining[:digits])
	*to, r.remaining = n, r.remaining[digits:]
	return err == nil
}

// takeYear reads a year. One of two digits is of the years to 2049, as in .NET.
func (r *reading) takeYear(width int) bool {
	if width == nameful { // or more digits
		return r.number(&r.year, 1, 4)
	}
	if width > nameful {
		return r.number(&r.year, width, width)
	}
	const next, last = 2000, 49
	ok := r.number(&r.year, width, 2)
	if r.year += next; r.year > next+last {
		r.year -= century
	}
	return ok
}

func (r *reading) takeHalf(width int) bool {
	for half, mark := range [...]string{"AM", "PM"} {
		if len(r.remaining) >= width && strings.EqualFold(r.remaining[:width], mark[:width]) {
			r.half, r.remaining = half*hours, r.remaining[width:]
			return true
		}
	}
	return false
}

// takeFraction reads that of a second: all digits of f, those of F that there are.
func (r *reading) takeFraction(part field) bool {
	const nano = 9 // digits
	digits := 0
	for digits < len(r.remaining) && digits < part.width && '0' <= r.remaining[digits] && r.remaining[digits] <= '9' {
		digits++
	}
	if part.letter == 'f' && digits < part.width {
		return false
	}
	n, err := strconv.Atoi((r.remaining[:digits] + "000000000")[:nano])
	r.nanosecond, r.remaining = n, r.remaining[digits:]
	return err == nil
}

// takeZone reads a time zone: of K also Z, or none.
func (r *reading) takeZone(part field) bool {
	if part.letter == 'K' {
		if rest, there := strings.CutPrefix(r.remaining, "Z"); there || r.remaining == "" {
			r.remaining = rest
			return true
		}
		part.width = 3
	}
	if r.remaining == "" || r.remaining[0] != '+' && r.remaining[0] != '-' {
		return false
	}
	sign := 1
	if r.remaining[0] == '-' {
		sign = -1
	}
	r.remaining = r.remaining[1:]
	var hour, minute int
	if !r.number(&hour, min(part.width, 2), 2) {
		return false
	}
	if part.width > 2 {
		rest, there := strings.CutPrefix(r.remaining, ":")
		if r.remaining = rest; !there || !r.number(&minute, 2, 2) {
			return false
		}
	}
	r.offset = sign * (hour*60 + minute) * 60
	const most = 14 // hours
	return hour <= most && minute < 60
}

func month(i int) string { return time.Month(i).String() }

func weekday(i int) string { return time.Weekday(i - 1).String() }

// name reads the name of a month or a weekday, or its first letters, and returns
// its number from 1; 0 if there is none.
func (r *reading) name(short bool, names int, of func(int) string) int {
	for i := range names {
		name := of(i + 1)
		if short {
			name = name[:min(nameful, len(name))]
		}
		if len(r.remaining) >= len(name) && strings.EqualFold(r.remaining[:len(name)], name) {
			r.remaining = r.remaining[len(name):]
			return i + 1
		}
	}
	return 0
}
