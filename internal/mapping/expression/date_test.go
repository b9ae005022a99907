package expression_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

func TestDates(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{
		"empty": "", "day": "2024-02-29", "text": "soon", "list": []any{"x", "y"}, "d": "d", "fraction": 1.5, "great": "9e18",
		"late": "9999-12-31", "early": "1600-12-31", "format": "yyyy", "YYYY": "YYYY", "styles": "AllowWhiteSpaces", "style": "nice",
	}
	const several = "takes one value, and there are several; choose with Item, or put them together with Join"
	const none = "the value is no date; write it as 2026-01-31, or read it with FormatDateTime"
	evaluated(t, attributes, []evaluation{
		{text: `CDate([none])`, want: nil},
		{text: `CDate([empty])`, want: nil},
		{text: `CDate([text])`, err: "CDate: " + none},
		{text: `CDate([list])`, err: "CDate: " + several},
		{text: `CDate(" 2024-02-29T23:59:59.9999999Z ")`, want: "2/29/2024 11:59:59 PM"},
		{text: `CDate("2024-02-29 23:59:59 +01:00")`, want: "2/29/2024 10:59:59 PM"},
		{text: `CDate("2024-02-29T23:59")`, want: "2/29/2024 11:59:00 PM"},
		{text: `CDate("2024-02-29 23:59Z")`, want: "2/29/2024 11:59:00 PM"},
		{text: `CDate("0001-01-01")`, want: "1/1/0001 12:00:00 AM"},
		{text: `CDate("2/29/2024")`, want: "2/29/2024 12:00:00 AM"},
		{text: `CDate("2/29/2024 1:02 PM")`, want: "2/29/2024 1:02:00 PM"},
		{text: `CDate("02/29/2024 13:02:03")`, want: "2/29/2024 1:02:03 PM"},
		{text: `CDate("02/29/2024 13:02:03 -01:00")`, want: "2/29/2024 2:02:03 PM"},
		{text: `CDate(CDate([day]))`, want: "2/29/2024 12:00:00 AM"},
		{text: `DateAdd("yyyy", 1, [day])`, want: "2/28/2025 12:00:00 AM"},
		{text: `DateAdd("m", -12, [day])`, want: "2/28/2023 12:00:00 AM"},
		{text: `DateAdd("m", 1, "2024-12-31")`, want: "1/31/2025 12:00:00 AM"},
		{text: `DateAdd("h", 25, [day])`, want: "3/1/2024 1:00:00 AM"},
		{text: `DateAdd("n", 1, [day])`, want: "2/29/2024 12:01:00 AM"},
		{text: `DateAdd("s", "-1", [day])`, want: "2/28/2024 11:59:59 PM"},
		{text: `DateAdd([d], 1, [day])`, want: "3/1/2024 12:00:00 AM"},
		{text: `DateAdd([text], 1, [day])`, err: `DateAdd: the interval is "yyyy", "m", "d", "ww", "h", "n" for minutes, or "s"`},
		{text: `DateAdd("d", 1, [none])`, want: nil},
		{text: `DateAdd("d", 1, [text])`, err: "DateAdd: " + none},
		{text: `DateAdd("d", [fraction], [day])`, err: "DateAdd: value is no whole number"},
		{text: `DateAdd("d", 1, [late])`, err: "DateAdd: the date is not of the years from 1 to 9999"},
		{text: `DateAdd("yyyy", 9223372036854775807, [day])`, err: "DateAdd: the value leads beyond the years from 1 to 9999"},
		{text: `DateAdd("s", -9223372036854775807, [day])`, err: "DateAdd: the value leads beyond the years from 1 to 9999"},
		{text: `DateDiff("d", "2024-02-29T23:00:00Z", "2024-03-01T22:00:00Z")`, want: int64(0)},
		{text: `DateDiff("ww", "2024-03-02", "2024-03-03")`, want: int64(1)},
		{text: `DateDiff("ww", "2024-03-03", "2024-03-09")`, want: int64(0)},
		{text: `DateDiff("m", "2024-02-29", "2024-03-01")`, want: int64(1)},
		{text: `DateDiff("yyyy", "2023-12-31", "2024-01-01")`, want: int64(1)},
		{text: `DateDiff("s", "0001-01-01", [late])`, want: int64(315537811200)},
		{text: `DateDiff("d", [none], [day])`, want: nil},
		{text: `DateDiff("d", [day], [empty])`, want: nil},
		{text: `DateDiff("d", [text], [day])`, err: "DateDiff: " + none},
		{text: `DateDiff("d", [day], [text])`, err: "DateDiff: " + none},
		{text: `DateDiff([text], [day], [day])`, err: `DateDiff: the interval is "yyyy", "m", "d", "ww", "h", "n" for minutes, or "s"`},
		{text: `DateFromNum([none])`, want: nil},
		{text: `DateFromNum([empty])`, want: nil},
		{text: `DateFromNum(0)`, want: "1/1/1601 12:00:00 AM"},
		{text: `DateFromNum([text])`, err: "DateFromNum: takes a number of Active Directory, such as 129699324000000000"},
		{text: `DateFromNum([great])`, err: "DateFromNum: takes a number of Active Directory, such as 129699324000000000"},
		{text: `NumFromDate(DateFromNum(129699324000000000))`, want: int64(129699324000000000)},
		{text: `NumFromDate("1601-01-01T00:00:00.0000001Z")`, want: int64(1)},
		{text: `NumFromDate([early])`, err: "NumFromDate: the date is before 1601, when the clock of Active Directory began"},
		{text: `NumFromDate([none])`, want: nil},
		{text: `FormatDateTime([none], , "yyyy", "yyyy")`, want: nil},
		{text: `FormatDateTime([empty], , "yyyy", "yyyy")`, want: nil},
		{text: `FormatDateTime([list], , "yyyy", "yyyy")`, err: "FormatDateTime: " + several},
		{text: `FormatDateTime([text], , "yyyy-MM-dd", "yyyy")`, err: "FormatDateTime: the value is not in inputFormat"},
		{text: `FormatDateTime([day], , "yyyy-MM-dd", [format])`, want: "2024"},
		{text: `FormatDateTime([day], , "yyyy-MM-dd", [YYYY])`, err: "FormatDateTime: YYYY is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks"},
		{text: `FormatDateTime([day], , [YYYY], "yyyy")`, err: "FormatDateTime: YYYY is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks"},
		{text: `FormatDateTime(" 2024", , "yyyy", "yyyy")`, want: "2024"},
		{text: `FormatDateTime(" 2024 - 02", [styles], "yyyy-MM", "yyyyMM")`, want: "202402"},
		{text: `FormatDateTime("2024 02", "AllowInnerWhite", "yyyy MM", "yyyyMM")`, want: "202402"},
		{text: `FormatDateTime("2024 ", "DateTimeStyles.AllowTrailingWhite | DateTimeStyles.AssumeUniversal", "yyyy", "yyyy")`, want: "2024"},
		{text: `FormatDateTime(Append(" ", "2024"), "AllowTrailingWhite", "yyyy", "yyyy")`, err: "FormatDateTime: the value is not in inputFormat"},
		{text: `FormatDateTime(Append("2024", " "), "AllowLeadingWhite, None", "yyyy", "yyyy")`, err: "FormatDateTime: the value is not in inputFormat"},
		{text: `FormatDateTime("2024", [style], "yyyy", "yyyy")`, err: "FormatDateTime: dateTimeStyles has names of DateTimeStyles, such as AllowWhiteSpaces; leave it out"},
	})
	refused(t, map[string]string{
		`DateAdd("w", 1, [day])`:                         `line 1, column 9: DateAdd: the interval is "yyyy", "m", "d", "ww", "h", "n" for minutes, or "s"`,
		`DateDiff("minute", [a], [b])`:                   `line 1, column 10: DateDiff: the interval is "yyyy", "m", "d", "ww", "h", "n" for minutes, or "s"`,
		`CDate("31.12.2024")`:                            `line 1, column 1: CDate: ` + none,
		`FormatDateTime([a], "yyyy", "yyyy")`:            `line 1, column 1: FormatDateTime takes 4 arguments, and has 3; write FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat)`,
		`FormatDateTime([a], "x", "yyyy", "yyyy")`:       `line 1, column 21: FormatDateTime: dateTimeStyles has names of DateTimeStyles, such as AllowWhiteSpaces; leave it out`,
		`FormatDateTime([a], , "YYYY-MM-DD", "yyyy")`:    `line 1, column 23: FormatDateTime: YYYY is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks`,
		`FormatDateTime([a], , "yyyy", "")`:              `line 1, column 31: FormatDateTime: a format is empty; write yyyy-MM-dd, for example`,
		`FormatDateTime([a], , "yyyy", "d")`:             `line 1, column 31: FormatDateTime: the format d alone is one that .NET has a name for; write it out, as M/d/yyyy h:mm:ss tt`,
		`FormatDateTime([a], , "yyyy", "yyyy 'x")`:       `line 1, column 31: FormatDateTime: a text in the format has no end; write a ' behind it`,
		`FormatDateTime([a], , "yyyy", "yyyy%")`:         `line 1, column 31: FormatDateTime: the format ends with %`,
		`FormatDateTime([a], , "yyyy", "gg")`:            `line 1, column 31: FormatDateTime: gg is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks`,
		`FormatDateTime([a], , "yyyy", "ffffffff")`:      `line 1, column 31: FormatDateTime: ffffffff is no part of a date; write yyyy MM dd HH mm ss, or put a text in single quotation marks`,
		`FormatDateTime("2024-13", , "yyyy-MM", "yyyy")`: `line 1, column 1: FormatDateTime: the value is not in inputFormat`,
	})
}

// A date is read by a format and written by another; what is written by one is
// read by it.
func TestFormatsOfDotNet(t *testing.T) {
	t.Parallel()
	const afternoon, midnight, noon = "2024-02-09T15:04:05.1200000", "2024-11-10T00:00:00.0000000", "2024-11-10T12:30:00.0000000"
	for _, test := range []struct {
		moment, format, want string
		loses                bool // parts of the moment
	}{
		{moment: afternoon, format: "yyyy-MM-ddTHH:mm:ss.fffffff", want: "2024-02-09T15:04:05.1200000"},
		{moment: afternoon, format: "yyyy-MM-ddTHH:mm:ss.fff", want: "2024-02-09T15:04:05.120"},
		{moment: afternoon, format: "yyyyMMddHHmmss.FFF", want: "20240209150405.12"},
		{moment: midnight, format: "yyyyMMddHHmmss.FFF", want: "20241110000000"},
		{moment: afternoon, format: "d/M/yy H:m:s.ff", want: "9/2/24 15:4:5.12"},
		{moment: noon, format: "dd/MM/y h:mm t", want: "10/11/24 12:30 P"},
		{moment: midnight, format: "M/d/yyyyy h:mm:ss tt", want: "11/10/02024 12:00:00 AM"},
		{moment: noon, format: "M/d/yyyy hh:mm tt", want: "11/10/2024 12:30 PM"},
		{moment: midnight, format: "dddd, d MMMM yyyy", want: "Sunday, 10 November 2024"},
		{moment: midnight, format: "ddd dd MMM yyy", want: "Sun 10 Nov 2024"},
		{moment: noon, format: "yyyy-MM-dd HH:mm:ssK", want: "2024-11-10 12:30:00Z"},
		{moment: noon, format: "yyyy-MM-dd HH:mm zzz", want: "2024-11-10 12:30 +00:00"},
		{moment: noon, format: "yyyy-MM-dd HH:mm zz", want: "2024-11-10 12:30 +00"},
		{moment: noon, format: "yyyy-MM-dd HH:mm z", want: "2024-11-10 12:30 +0"},
		{moment: noon, format: `'day' d \o'f' "M" M'.'yyyyä`, want: "day 10 of M 11.2024ä", loses: true},
		{moment: noon, format: "%M", want: "11", loses: true},
	} {
		t.Run(test.format, func(t *testing.T) {
			t.Parallel()
			const iso = "yyyy-MM-ddTHH:mm:ss.fffffff"
			format := quoted(test.format)
			written := parsed(t, `FormatDateTime([a], , "`+iso+`", `+format+`)`)
			holdsFor(t, written, test.moment, test.want)
			if !test.loses {
				read := parsed(t, `FormatDateTime([a], , `+format+`, "`+iso+`")`)
				holdsFor(t, read, test.want, test.moment)
			}
		})
	}
}

func TestATextThatIsNotInTheFormatIsNotRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ format, text string }{
		{"yyyy-MM-dd", "2024-02-30"},
		{"yyyy-MM-dd", "2024-2-03"},
		{"yyyy-MM-dd", "2024-02-03Z"},
		{"yyyy-MM-dd", "2024-02"},
		{"yyyy-MM-dd", "2024.02.03"},
		{"yyyy-M-d", "2024--3"},
		{"yyyy", "0000"},
		{"yyyy HH", "2024 24"},
		{"yyyy hh tt", "2024 13 PM"},
		{"yyyy hh tt", "2024 00 AM"},
		{"yyyy hh tt", "2024 10 XM"},
		{"yyyy mm", "2024 60"},
		{"yyyy ss", "2024 60"},
		{"yyyy.ff", "2024.1"},
		{"yyyy.ff", "2024.123"},
		{"yyyy.FF", "2024.123"},
		{"yyyy MMM", "2024 Foo"},
		{"yyyy ddd", "2024 Foo"},
		{"yyyyddd", "2024"},
		{"yyyyzzz", "2024"},
		{"yyyyzzz", "2024*01:00"},
		{"yyyyzzz", "2024+0100"},
		{"yyyyzzz", "2024+15:00"},
		{"yyyyzzz", "2024+01:60"},
		{"yyyyzz", "2024+1"},
		{"yyyyz", "2024+"},
		{"yyyy hhtt", "2024 10"},
		{"yyyyK", "2024X"},
	} {
		x := parsed(t, `FormatDateTime([a], , "`+test.format+`", "yyyy")`)
		if got, err := x.Evaluate(expression.Environment{}, of(map[string]any{"a": test.text})); err == nil {
			t.Errorf("%s as %s is %v", test.text, test.format, got)
		}
	}
}

func TestADateWithAZoneIsWrittenInUTC(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ format, text, want string }{
		{"yyyy-MM-dd HH:mm zzz", "2024-01-01 01:00 +05:30", "2023-12-31 19:30"},
		{"yyyy-MM-dd HH:mm zz", "2023-12-31 23:00 -02", "2024-01-01 01:00"},
		{"yyyy-MM-dd HH:mm z", "2023-12-31 23:00 -2", "2024-01-01 01:00"},
		{"yyyy-MM-dd HH:mmK", "2023-12-31 23:00-02:00", "2024-01-01 01:00"},
		{"yyyy-MM-dd HH:mmK", "2023-12-31 23:00Z", "2023-12-31 23:00"},
		{"yyyy-MM-dd HH:mmK", "2023-12-31 23:00", "2023-12-31 23:00"},
		{"yyyy-MM-dd HH:mmK", "2024-01-01 00:00+14:00", "2023-12-31 10:00"},
		{"yyyy", "0001", "0001-01-01 00:00"},
		{"d.M.yy", "1.2.49", "2049-02-01 00:00"},
		{"d.M.yy", "1.2.50", "1950-02-01 00:00"},
	} {
		holdsFor(t, parsed(t, `FormatDateTime([a], , "`+test.format+`", "yyyy-MM-dd HH:mm")`), test.text, test.want)
	}
}

func holdsFor(t *testing.T, x *expression.Expression, a, want string) {
	t.Helper()
	got, err := x.Evaluate(expression.Environment{}, of(map[string]any{"a": a}))
	if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
		t.Errorf("%s of %s: %v %s", x, a, err, diff)
	}
}

func TestNowIsTheTimeOfTheMachine(t *testing.T) {
	t.Parallel()
	got, err := parsed(t, `Now()`).Evaluate(expression.Environment{}, nil)
	text, _ := got.(string)
	now, wrong := time.Parse("1/2/2006 3:04:05 PM", text)
	if err != nil || wrong != nil || time.Since(now) > time.Minute {
		t.Error(got, err, wrong)
	}
}
