package expression_test

import (
	"strings"
	"testing"

	"entrawebex/internal/mapping/expression"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{
		"a": "Zoë Müller", "empty": "", "list": []any{"x", "y"}, "group": "g", "pattern": "(?<g>o)", "broken": "(", "large": "(abcd){500}", "money": "5$",
		"long": strings.Repeat("a", expression.MaxResult), "matched": strings.Repeat("a", 8<<10), "longer": strings.Repeat("a", 8<<10+1), "thousand": strings.Repeat("b", 1000),
	}
	const several = "Replace: takes one value, and there are several; choose with Item, or put them together with Join"
	const long = "Replace: the result is longer than 64 KiB"
	evaluated(t, attributes, []evaluation{
		{text: `Replace([a], "Z", , , "z", , )`, want: "zoë Müller"},
		{text: `Replace([a], "z", , , "x", , )`, want: "Zoë Müller"},
		{text: `Replace([a], "l", , , "")`, want: "Zoë Müer"},
		{text: `Replace([a], "l", , , [none], , )`, want: "Zoë Müer"},
		{text: `Replace([none], "l", , , "x", , )`, want: nil},
		{text: `Replace([a], [empty], , , "x", , )`, err: "Replace: oldValue is empty"},
		{text: `Replace([list], "l", , , "x", , )`, err: several},
		{text: `Replace([a], [list], , , "x", , )`, err: several},
		{text: `Replace([a], "l", , , [list], , )`, err: several},
		{text: `Replace([long], "a", , , "aa", , )`, err: long},
		{text: `Replace([a], "x", , , , , "x-x")`, want: "Zoë Müller-Zoë Müller"},
		{text: `Replace([none], "x", , , , , "x-x")`, want: nil},
		{text: `Replace([long], "x", , , , , "x-x")`, err: long},
		{text: `Replace([a], , "l+", , "[$&]", , )`, want: "Zoë Mü[ll]er"},
		{text: `Replace([a], , "(?<first>\\w+) (\\w+)", , "${2}, ${first}$$", , )`, want: "Müller, Zoë$"},
		{text: `Replace([a], , "(.)(l)\\w+", , "$1$9${x}$", , )`, want: "Zoë Mü$9${x}$"},
		{text: `Replace([a], , "(x)?o", , "<$1>", , )`, want: "Z<>ë Müller"},
		{text: `Replace([a], , "l", , [money], , )`, want: "Zoë Mü5$5$er"},
		{text: `Replace([none], , "l", , "x", , )`, want: nil},
		{text: `Replace([list], , "l", , "x", , )`, err: several},
		{text: `Replace([a], , "l", , [list], , )`, err: several},
		{text: `Replace([a], , [pattern], , "0", , )`, want: "Z0ë Müller"},
		{text: `Replace([a], , [broken], , "0", , )`, err: "Replace: regexPattern is no regular expression: missing closing )"},
		{text: `Replace([a], , [large], , "0", , )`, err: "Replace: regexPattern would take too long; write smaller counts in { }"},
		{text: `Replace([a], , ".{0,256}$", , "", , )`, want: ""},
		{text: `Replace([a], , [empty], , "0", , )`, err: "Replace: regexPattern is empty"},
		{text: `Replace([matched], , "a", , [thousand], , )`, err: long},
		{text: `Replace([matched], , "a", , "", , )`, want: ""},
		{text: `Replace([longer], , "a", , "", , )`, err: "Replace: the text is longer than the 8 KiB that a pattern is matched with"},
		{text: `Replace([a], , "(?<g>l)l", "g", "L", , )`, want: "Zoë MüLler"},
		{text: `Replace([a], , "(x)?l", "1", "L", , )`, want: "Zoë Müller"},
		{text: `Replace([a], , [pattern], [group], "0", , )`, want: "Z0ë Müller"},
		{text: `Replace([a], , [pattern], "h", "0", , )`, err: "Replace: regexPattern has no group of the name regexGroupName; write (?<name>…) in it"},
		{text: `Replace([a], , "(?<g>l)", [empty], "0", , )`, err: "Replace: regexPattern has no group of the name regexGroupName; write (?<name>…) in it"},
		{text: `Replace([a], , "(?<g>l)", "g", [list], , )`, err: several},
		{text: `Replace([none], , "(?<g>l)", "g", "x", , )`, want: nil},
		{text: `Replace([matched], , "(?<g>a)", "g", [thousand], , )`, err: long},
		{text: `Replace([group], , "(?<g>l)", "g", , [a], )`, want: "g"},
		{text: `Replace([none], , "(?<g>l+)", "g", , [a], )`, want: "ll"},
		{text: `Replace([none], , "(?<g>x)", "g", , [a], )`, want: nil},
		{text: `Replace([none], , "(?<g>x)", "g", , [none], )`, want: nil},
		{text: `Replace([list], , "(?<g>x)", "g", , [a], )`, err: several},
		{text: `Replace([none], , [pattern], "h", , [a], )`, err: "Replace: regexPattern has no group of the name regexGroupName; write (?<name>…) in it"},
	})
	const ways = "write with the source either oldValue and replacementValue, or oldValue and template, or regexPattern and replacementValue, or regexPattern, regexGroupName and replacementValue, or regexPattern, regexGroupName and replacementAttributeName, and leave the others out"
	refused(t, map[string]string{
		`Replace([a], "b", "c", , "d", , )`:                             `line 1, column 1: Replace: ` + ways,
		`Replace([a], "b")`:                                             `line 1, column 1: Replace: ` + ways,
		`Replace([a], , "(?<g>b)", , , [c], )`:                          `line 1, column 1: Replace: ` + ways,
		`Replace([a], "", , , "d", , )`:                                 `line 1, column 14: Replace: oldValue is empty`,
		`Replace([a], "", , , , , "d")`:                                 `line 1, column 14: Replace: oldValue is empty`,
		`Replace([a], , "", , "d", , )`:                                 `line 1, column 16: Replace: regexPattern is empty`,
		`Replace([a], , "(?<g>b)", "h", "d", , )`:                       `line 1, column 27: Replace: regexPattern has no group of the name regexGroupName; write (?<name>…) in it`,
		`Replace([a], , "(", "h", "d", , )`:                             `line 1, column 16: Replace: regexPattern is no regular expression: missing closing )`,
		`Replace([a], , "b", , "$_", , )`:                               `line 1, column 23: Replace: $_ is not supported in replacementValue; write $$_ for the text, ${name} for a group`,
		`Replace([a], "b", , , "c", , , )`:                              `line 1, column 1: Replace takes 2 to 7 arguments, and has 8; write Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template)`,
		`Replace(, "b", , , "c", , )`:                                   `line 1, column 1: argument 1 of Replace is missing; write Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template)`,
		`Replace([a], , "` + strings.Repeat("b", 1001) + `", , "", , )`: `line 1, column 16: Replace: regexPattern is longer than 1000 bytes`,
	})
}

// RE2 has what most patterns of .NET need. What it lacks is said before anything
// is written.
func TestPatternsOfDotNet(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]struct{ text, without string }{
		`\d`:        {"a1٣-b", "a-b"},
		`\D`:        {"a1٣-b", "1٣"},
		`\w`:        {"Zoë_1-é!", "-!"},
		`\W+`:       {"Zoë_1-é!", "Zoë_1é"},
		`[\W_]`:     {"Zoë_1-é!", "Zoë1é"},
		`[^\w]`:     {"Zoë_1-é!", "Zoë_1é"},
		`[\d-]`:     {"a1٣-b", "ab"},
		`\s`:        {"a \u00a0\u2003\tb", "ab"},
		`\S`:        {"a \u00a0b", " \u00a0"},
		`[\S]`:      {"a \u00a0😀b", " \u00a0"},
		`[]a]`:      {"a]b", "b"},
		`[^]a]`:     {"a]b", "a]"},
		`[[]`:       {"a[b", "ab"},
		`[\[\]]`:    {"[a]", "a"},
		`\u00eb`:    {"Zoë", "Zo"},
		`\(.*\)`:    {"a(b)", "a"},
		`(?i)ZO`:    {"zoë", "ë"},
		`(?:a|b)`:   {"abc", "c"},
		`(?<x>a)`:   {"ab", "b"},
		`\p{Lu}`:    {"aB", "a"},
		`[(?=]`:     {"(?=)", ")"},
		`a{2,3}?`:   {"aaaa", ""},
		`\e`:        {"a\x1b", "a"},
		`^\s+|\s+$`: {"  a b ", "a b"},
		`\\`:        {`a\b`, "ab"},
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			text := `Replace([a], , ` + quoted(pattern) + `, , "", , )`
			holds(t, text, map[string]any{"a": want.text}, want.without, "")
		})
	}
	const without = ", is not supported in regexPattern; write the pattern without it, or use a group and regexGroupName"
	for pattern, want := range map[string]string{
		`a(?=b)`:       "looking ahead, (?=…)" + without,
		`a(?!b)`:       "looking ahead, (?!…)" + without,
		`(?<=b)a`:      "looking behind, (?<=…)" + without,
		`(?<!b)a`:      "looking behind, (?<!…)" + without,
		`(?>a)`:        "an atomic group, (?>…)" + without,
		`(?(a)b|c)`:    "a condition, (?(…)…)" + without,
		`(?#a)`:        "a comment, (?#…)" + without,
		`(?'n'a)`:      "a group named as (?'name'…), is not supported in regexPattern; write (?<name>…)",
		`(?<a-b>c)`:    "a balancing group, (?<a-b>…)" + without,
		`(a)\1`:        `a reference to what a group has matched, \1` + without,
		`(?<n>a)\k<n>`: `a reference to what a group has matched, \k` + without,
		`\Ga`:          `the end of the last match, \G` + without,
		`a\Z`:          `the end before a line's end, \Z, is not supported in regexPattern; write \\z`,
		`\cA`:          `a control character, \c, is not supported in regexPattern; write \\x and its number`,
		`[a-z-[b]]`:    "a class minus another, [a-z-[aeiou]], is not supported in regexPattern; write the characters that are left",
		`a\`:           "regexPattern ends with a backslash",
		`a)`:           "regexPattern is no regular expression: unexpected )",
		`(?x)a`:        "regexPattern is no regular expression: invalid or unsupported Perl syntax",
		`[b-a]`:        "regexPattern is no regular expression: invalid character class range",
		`(a{1000}){9}`: "regexPattern is no regular expression: invalid repeat count",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			mistaken(t, `Replace([a], , `+quoted(pattern)+`, , "", , )`, "line 1, column 16: Replace: "+want)
		})
	}
}
