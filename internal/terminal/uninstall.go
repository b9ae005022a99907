package terminal

import (
	"fmt"
	"io"
	"time"

	"entrawebex/internal/operator"
)

// Uninstallation prints what leaving comes to.
func Uninstallation(out io.Writer, u operator.Uninstallation) {
	done := !u.Until.IsZero()
	verb := map[bool]string{false: "would be removed", true: "removed"}[done]
	for _, s := range u.Subscriptions {
		Say(out, fmt.Sprintf("%s: subscription %s to %s", verb, s.ID, s.Resource))
	}
	if len(u.Subscriptions) == 0 {
		Say(out, "There is no subscription of this system at Microsoft Graph.")
	}
	fmt.Fprintln(out)
	for _, stays := range u.Stays {
		Say(out, fmt.Sprintf("stays: %s (%s): %s.", stays.What, stays.Where, stays.Then))
	}
	fmt.Fprintln(out)
	next := map[bool]string{false: "stop entrawebex run", true: "delete the stack (sam delete --stack-name NAME)"}[u.OnAWS]
	if done {
		Say(out, fmt.Sprintf("Until %s none is made in their place: %s before then.", u.Until.UTC().Format(time.RFC3339), next))
		return
	}
	yes := "To remove the subscriptions"
	if len(u.Subscriptions) == 0 {
		yes = "To have none made for an hour"
	}
	Say(out, "Nothing has happened. "+yes+": entrawebex uninstall --yes; then "+next+".")
}
