package terminal

import (
	"fmt"
	"io"

	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
)

// Search prints whose name has a part.
func Search(out io.Writer, s operator.Search) {
	for _, one := range s.Found {
		Say(out, fmt.Sprintf("%s  %s", one.Object, printable.Text(one.Name)))
	}
	switch {
	case s.More:
		Say(out, "And others: give more of the name.")
	case len(s.Found) == 0:
		Say(out, "Nobody who was written to Webex. Give entrawebex show the whole name.")
	}
}
