// Command pictures draws what a command prints in a terminal as a picture, SVG that fits
// a light and a dark page:
//
//	go run ./cmd/entrawebex run --sandbox | go run ./docs/pictures >docs/pictures/sandbox.svg
package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// The size of a character of the terminal, in units of the picture.
const (
	width, height = 8, 18
	columns       = 80
)

// head begins a picture of that width, height and title.
const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s">
<style>
text { font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
rect { fill: #f6f8fa }
.done { fill: #1a7f37 } .nothing { fill: #6e7781 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } rect { fill: #161b22 } .done { fill: #3fb950 } .nothing { fill: #9198a1 }
}
</style>
<rect width="100%%" height="100%%" rx="8"/>
`

func main() {
	if err := draw(os.Stdin, os.Stdout, "The day that run --sandbox plays, line by line, and its end: both sides are the same"); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// draw draws the lines that it reads. A sign that a line begins with has its colour.
func draw(from io.Reader, to io.Writer, title string) error {
	var body strings.Builder
	signs := map[string]string{"✓": "done", "·": "nothing"} // and their class
	rows := 0
	for lines := bufio.NewScanner(from); ; rows++ {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return err
			}
			break
		}
		line := lines.Text()
		if n := utf8.RuneCountInString(line); n > columns {
			return fmt.Errorf("line %d has %d characters, and a terminal of %d columns would break it: %s", rows+1, n, columns, line)
		}
		if line == "" {
			continue
		}
		fmt.Fprintf(&body, `<text x="%d" y="%d" textLength="%d">`, 2*width, (rows+2)*height, width*utf8.RuneCountInString(line))
		for sign, class := range signs {
			if rest, ok := strings.CutPrefix(line, sign); ok {
				fmt.Fprintf(&body, `<tspan class="%s">%s</tspan>`, class, sign)
				line = rest
			}
		}
		if err := xml.EscapeText(&body, []byte(line)); err != nil {
			return err
		}
		body.WriteString("</text>\n")
	}
	var label strings.Builder
	if err := xml.EscapeText(&label, []byte(title)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(to, head+"%[4]s</svg>\n", width*(columns+4), (rows+2)*height, &label, &body)
	return err
}
