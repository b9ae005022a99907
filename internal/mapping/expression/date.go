package expression

import (
	"errors"
	"strings"
	"time"
)

// dates are the functions of dates and times, which are texts.
func dates() []definition {
	return []definition{
		{
			signature: "CDate(expression)", least: 1, most: 1, compile: ofDate(written),
			does: "The date in UTC, as M/d/yyyy h:mm:ss tt. Without a time zone it is in UTC already.",
		},
		{
			signature: "DateAdd(interval, value, dateTime)", least: 3, most: 3, numbers: []int{1}, compile: dateAdd,
			does: "A date later, or earlier if the value is negative, as M/d/yyyy h:mm:ss tt. The interval is yyyy, m, d, ww, h, n (minutes) or s.",
		},
		{
			signature: "DateDiff(interval, date1, date2)", least: 3, most: 3, compile: dateDiff,
			does: "How much later date2 is than date1. Months and years are those of the calendar, weeks begin on Sunday, and of the others only whole ones count.",
		},
		{
			signature: "DateFromNum(value)", least: 1, most: 1, compile: always(dateFromNum),
			does: "The date of a number of Active Directory, the tenths of a microsecond since 1601, as M/d/yyyy h:mm:ss tt.",
		},
		{
			signature: "FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat)", least: 4, most: 4, optional: []int{1}, compile: formatDateTime,
			does: "A date in another format, both in the terms of .NET; in UTC if the source has a time zone.",
		},
		{
			signature: "Now()", volatile: true, compile: always(func(e *evaluation, _ arguments) (any, error) { return written(e.now()) }),
			does: "The time of the evaluation in UTC, as M/d/yyyy h:mm:ss tt. A value that is made of it is kept while all else that the expression reads stays the same; one that is only chosen by a comparison with it is not, and follows the time at the next look at the object.",
		},
		{
			signature: "NumFromDate(value)", least: 1, most: 1, compile: ofDate(numFromDate),
			does: "The number of Active Directory for a date, the tenths of a microsecond since 1601.",
		},
	}
}

// written is the text of a date: "M/d/yyyy h:mm:ss tt", in UTC.
func written(t time.Time) (any, error) {
	const lastYear = 9999
	t = t.UTC()
	if t.Year() < 1 || t.Year() > lastYear {
		return nil, errors.New("the date is not of the years from 1 to 9999")
	}
	return t.Format("1/2/2006 3:04:05 PM"), nil
}

var errNoDate = errors.New("the value is no date; write it as 2026-01-31, or read it with FormatDateTime")

// readDate reads a date in ISO 8601 or as Americans write it; a fraction of a
// second may follow the seconds.
func readDate(text string) (time.Time, error) {
	const isoYear = 4 // digits
	layouts := [...]string{
		"1/2/2006 3:04:05 PM", "1/2/2006", "1/2/2006 15:04:05", "1/2/2006 3:04 PM", "1/2/2006 15:04",
		"1/2/2006 3:04:05 PM Z07:00", "1/2/2006 15:04:05 Z07:00",
		"2006-01-02", "2006-01-02T15:04:05Z07:00", "2006-01-02Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	}
	const american = 7 // of them come first
	text = strings.TrimSpace(text)
	some := layouts[:american]
	if len(text) > isoYear && text[isoYear] == '-' {
		some = layouts[american:]
		if i := strings.IndexByte(text, ' '); i >= 0 { // between date and time, and perhaps before the zone
			text = text[:i] + "T" + strings.ReplaceAll(text[i+1:], " ", "")
		}
	}
	for _, layout := range some {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errNoDate
}

// date is the value of an argument as a date; false for null or empty.
func (e *evaluation) date(a *argument) (t time.Time, there bool, err error) {
	text, _, err := e.text(a)
	if err != nil || text == "" {
		return time.Time{}, false, err
	}
	t, err = readDate(text)
	return t, err == nil, err
}

// ofDate is the compile of a function of one date, which makes null of null.
func ofDate(f func(time.Time) (any, error)) func(arguments) (compute, error) {
	return always(func(e *evaluation, args arguments) (any, error) {
		t, there, err := e.date(args.at(0))
		if err != nil || !there {
			return nil, err
		}
		return f(t)
	})
}

// interval is a unit of time of Visual Basic's.
type interval struct {
	months  int64 // of those that are counted by the calendar
	seconds int64 // of the others
	week    bool
}

func parseInterval(text string) (interval, error) {
	const day = 24 * 60 * 60
	switch text {
	case "yyyy":
		return interval{months: 12}, nil
	case "m":
		return interval{months: 1}, nil
	case "d":
		return interval{seconds: day}, nil
	case "ww":
		return interval{seconds: 7 * day, week: true}, nil
	case "h":
		return interval{seconds: 60 * 60}, nil
	case "n":
		return interval{seconds: 60}, nil
	case "s":
		return interval{seconds: 1}, nil
	default:
		return interval{}, errors.New(`the interval is "yyyy", "m", "d", "ww", "h", "n" for minutes, or "s"`)
	}
}

func dateAdd(args arguments) (compute, error) {
	unit, err := compiled(args.at(0), parseInterval)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		t, there, err := e.date(args.at(2))
		if err != nil || !there {
			return nil, err
		}
		n, err := e.integer(args.at(1), "value")
		if err != nil {
			return nil, err
		}
		u, err := unit(e)
		if err != nil {
			return nil, err
		}
		return u.added(t, n)
	}, nil
}

// added is the time n intervals later. A day that the month lacks is its last,
// as in .NET.
func (u interval) added(t time.Time, n int64) (any, error) {
	const eternity = 10_000 * 366 * 24 * 60 * 60 // seconds
	const month = 28 * 24 * 60 * 60
	if most := eternity / (u.seconds + month*u.months); n > most || n < -most {
		return nil, errors.New("the value leads beyond the years from 1 to 9999")
	}
	if u.seconds > 0 {
		return written(time.Unix(t.Unix()+n*u.seconds, int64(t.Nanosecond())))
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n*u.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return written(first.AddDate(0, 0, min(t.Day(), last)-1))
}

func dateDiff(args arguments) (compute, error) {
	unit, err := compiled(args.at(0), parseInterval)
	if err != nil {
		return nil, err
	}
	return func(e *evaluation) (any, error) {
		from, there, err := e.date(args.at(1))
		if err != nil || !there {
			return nil, err
		}
		until, there, err := e.date(args.at(2))
		if err != nil || !there {
			return nil, err
		}
		u, err := unit(e)
		if err != nil {
			return nil, err
		}
		return u.between(from, until), nil
	}, nil
}

// between is the number of intervals from one time to another, as Visual Basic
// counts them.
func (u interval) between(from, until time.Time) int64 {
	if u.months > 0 {
		const year = 12 // months
		years, months := until.Year()-from.Year(), int(until.Month()-from.Month())
		if u.months == year {
			return int64(years)
		}
		return int64(years*year + months)
	}
	if u.week {
		from, until = from.AddDate(0, 0, -int(from.Weekday())), until.AddDate(0, 0, -int(until.Weekday()))
	}
	return (until.Unix() - from.Unix()) / u.seconds
}

// The clock of Active Directory has ticks of 100 nanoseconds, and began in 1601.
const (
	ticks    = 10_000_000     // a second
	since    = 11_644_473_600 // seconds before 1970
	tickSize = 100            // nanoseconds
)

func dateFromNum(e *evaluation, args arguments) (any, error) {
	v, err := args.at(0).value(e)
	if err != nil || isEmpty(v) {
		return nil, err
	}
	n, ok := asInteger(v)
	if !ok || n < 0 {
		return nil, errors.New("takes a number of Active Directory, such as 129699324000000000")
	}
	return written(time.Unix(n/ticks-since, n%ticks*tickSize))
}

func numFromDate(t time.Time) (any, error) {
	seconds := t.Unix() + since
	if seconds < 0 {
		return nil, errors.New("the date is before 1601, when the clock of Active Directory began")
	}
	return seconds*ticks + int64(t.Nanosecond())/tickSize, nil
}
