package expression

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
)

// chances are the functions that depend on more than the attributes, and Redact.
func chances() []definition {
	return []definition{
		{
			signature: "DefaultDomain()", compile: always(defaultDomain),
			does: "The default domain of the tenant, which is read once an hour. While it cannot be read, nobody is written whose mapping has it.",
		},
		{
			signature: "Guid()", volatile: true, compile: always(guid),
			does: "A new random GUID, kept while nothing else changes.",
		},
		{
			signature: "RandomString(Length, MinimumNumbers, MinimumSpecialCharacters, MinimumCapital, MinimumLowerCase, CharactersToAvoid)",
			least:     5, most: 6, optional: []int{5}, volatile: true, numbers: []int{0, 1, 2, 3, 4}, compile: always(randomString),
			does: "Random characters, 256 at most; beyond the least numbers, of those kinds whose least number is not 0, or of all if each is 0. Kept while nothing else changes.",
		},
		{
			signature: "Redact(value)", least: 1, most: 1, compile: always(func(e *evaluation, args arguments) (any, error) { return args.at(0).value(e) }),
			does: "The value, for which \"[Redact]\" stands in logs and in what is printed.",
		},
		{
			signature: "SelectUniqueValue(uniqueValueRule1, uniqueValueRule2, uniqueValueRule3, …)",
			least:     2, most: unlimited, volatile: true, topmost: true, compile: always(selectUniqueValue),
			does:    "The first value that nobody in the target has.",
			refused: "SelectUniqueValue is for Workday, SuccessFactors and API-driven provisioning to Active Directory; Entra does not support it where users are provisioned to applications; write the first of its rules alone",
		},
	}
}

func defaultDomain(e *evaluation, _ arguments) (any, error) {
	return e.get(DefaultDomain), nil
}

func (e *evaluation) random() io.Reader {
	if e.env.Random != nil {
		return e.env.Random
	}
	return rand.Reader
}

func guid(e *evaluation, _ arguments) (any, error) {
	id, err := uuid.NewRandomFromReader(e.random())
	return id.String(), err
}

func selectUniqueValue(e *evaluation, args arguments) (any, error) {
	tried := 0
	for _, a := range args {
		text, _, err := e.text(a)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		if e.env.Taken == nil {
			return text, nil
		}
		taken, err := e.env.Taken(text)
		if err != nil {
			return nil, fmt.Errorf("find out whether a value is taken: %w", err)
		}
		if !taken {
			return text, nil
		}
		tried++
	}
	if tried > 0 {
		return nil, fmt.Errorf("each of the %d values is taken", tried)
	}
	return null(), nil
}

// randomString draws the least numbers of each kind, then the others, and
// shuffles them.
func randomString(e *evaluation, args arguments) (any, error) {
	length, least, err := e.lengths(args)
	if err != nil {
		return nil, err
	}
	avoid, _, err := e.text(args.at(1 + len(least)))
	if err != nil {
		return nil, err
	}
	var all, some strings.Builder
	drawn := make([]byte, 0, length)
	for i, kind := range kindsOfCharacters() {
		kind = without(kind, avoid)
		all.WriteString(kind)
		if least[i] > 0 {
			some.WriteString(kind)
		}
		if drawn, err = draw(e.random(), drawn, kind, least[i]); err != nil {
			return nil, err
		}
	}
	others := some.String()
	if others == "" {
		others = all.String()
	}
	if drawn, err = draw(e.random(), drawn, others, length-int64(len(drawn))); err != nil {
		return nil, err
	}
	return shuffled(e.random(), drawn)
}

// kindsOfCharacters are those that Windows asks of a password, in the order of
// RandomString's arguments.
func kindsOfCharacters() [4]string {
	return [...]string{"0123456789", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"}
}

// lengths are that of a random string and the least number of each kind in it.
func (e *evaluation) lengths(args arguments) (length int64, least [4]int64, err error) {
	const longest = 256
	var numbers [1 + len(least)]int64
	for i, name := range [...]string{"Length", "MinimumNumbers", "MinimumSpecialCharacters", "MinimumCapital", "MinimumLowerCase"} {
		n, err := e.integer(args.at(i), name)
		if err != nil {
			return 0, least, err
		}
		if n < 0 || n > longest {
			return 0, least, fmt.Errorf("%s is from 0 to %d", name, longest)
		}
		numbers[i] = n
	}
	if numbers[0] < numbers[1]+numbers[2]+numbers[3]+numbers[4] {
		return 0, least, errors.New("the least numbers together are more than Length")
	}
	return numbers[0], [4]int64(numbers[1:]), nil
}

func without(kind, avoid string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(avoid, r) {
			return -1
		}
		return r
	}, kind)
}

// draw appends some characters of a kind, each as likely as another.
func draw(random io.Reader, to []byte, kind string, n int64) ([]byte, error) {
	if n > 0 && kind == "" {
		return nil, errors.New("CharactersToAvoid leaves no character of a kind that is asked for")
	}
	for range n {
		i, err := below(random, len(kind))
		if err != nil {
			return nil, err
		}
		to = append(to, kind[i])
	}
	return to, nil
}

func shuffled(random io.Reader, drawn []byte) (any, error) {
	for i := len(drawn) - 1; i > 0; i-- {
		j, err := below(random, i+1)
		if err != nil {
			return nil, err
		}
		drawn[i], drawn[j] = drawn[j], drawn[i]
	}
	return string(drawn), nil
}

// below is a random number from 0, less than n, which is 256 at most.
func below(random io.Reader, n int) (int, error) {
	const values = 256
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("read random bytes: %w", err)
		}
		if i := int(b[0]); i < values-values%n {
			return i % n, nil
		}
	}
}
