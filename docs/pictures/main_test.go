package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"entrawebex/internal/sandbox/story"
)

// texts are what a picture shows, line by line, and what is wrong with it as XML.
func texts(t *testing.T, svg []byte) []string {
	t.Helper()
	var shown []string
	var line strings.Builder
	depth := 0
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return shown
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "text" || depth > 0 {
				depth++
			}
		case xml.EndElement:
			if depth == 0 {
				continue
			}
			if depth--; depth == 0 {
				shown = append(shown, line.String())
				line.Reset()
			}
		case xml.CharData:
			if depth > 0 {
				line.Write(token)
			}
		}
	}
}

func TestAPictureShowsEachLineAsItIs(t *testing.T) {
	t.Parallel()
	lines := []string{"Each line:", "✓ Hire 1 marries <script>alert(1)</script> & co.", "· nothing to write", "  42 ms"}
	var svg bytes.Buffer
	if err := draw(strings.NewReader(strings.Join(lines, "\n\n")), &svg, `"A title" & more`); err != nil {
		t.Fatal(err)
	}
	if shown := texts(t, svg.Bytes()); strings.Join(shown, "\n") != strings.Join(lines, "\n") {
		t.Errorf("it shows %q", shown)
	}
	if text := svg.String(); !strings.Contains(text, `<tspan class="done">✓</tspan>`) || !strings.Contains(text, `<tspan class="nothing">·</tspan>`) {
		t.Errorf("the signs have no colour:\n%s", text)
	}
}

func TestALineThatATerminalWouldBreakIsRefused(t *testing.T) {
	t.Parallel()
	err := draw(strings.NewReader("short\n"+strings.Repeat("x", columns+1)), io.Discard, "")
	if err == nil || !strings.HasPrefix(err.Error(), "line 2 has 81 characters") {
		t.Error(err)
	}
}

// What the README shows is the day that is played, and that came to its end.
func TestThePictureIsOfTheDayThatIsPlayed(t *testing.T) {
	t.Parallel()
	svg, err := os.ReadFile("sandbox.svg")
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(texts(t, svg), "\n")
	lines := []string{"A simulated Entra tenant of ", " The initial sync of everybody "}
	for _, step := range story.Day(1)[1:] { // the first one is noticed before
		lines = append(lines, " "+step.Title+" ")
	}
	rest := shown
	for _, line := range append(lines, "✓ Both sides are the same.", "Try next:") {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("make picture draws it anew; it lacks %q:\n%s", line, shown)
		}
		rest = after
	}
}
