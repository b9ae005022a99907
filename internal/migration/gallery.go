// Package migration is moving in: what Entra's own provisioning service does for an
// enterprise application, in the words of this system, what would become of every
// account, and whether writes may begin. It decides, and reads and writes nothing.
package migration

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/printable"
)

// Gallery is what was found of the gallery app: the provisioning job of an enterprise
// application.
type Gallery struct {
	// AppID is the application (client) id of the enterprise application, ID the object
	// id of its service principal.
	AppID string `json:"appId"`
	ID    string `json:"servicePrincipalId,omitempty"`
	// Job is nil where there is none, or where none could be read: then Unread says why.
	Job    *synchronization.Job `json:"job,omitempty"`
	Unread string               `json:"unread,omitempty"`
	// Others are the ids of further jobs of the application that are not stopped.
	Others []string `json:"others,omitempty"`
	// Settings are what the portal keeps beside the job, as far as they could be read.
	Settings synchronization.Settings `json:"settings"`
	// Unset says why the scope is not known; empty if it is.
	Unset string `json:"unset,omitempty"`
}

// Told is the id of a job as a person is told it: of what is written by another, the
// first 80 characters.
func Told(id string) string {
	const longest = 80
	return printable.Short(id, longest)
}

// Choose returns the job that is meant: the one with the id, or the only one; nil where
// there is none. The error says which there are.
func Choose(jobs []synchronization.Job, id string) (*synchronization.Job, error) {
	switch {
	case id == "" && len(jobs) == 0:
		return nil, nil //nolint:nilnil // an application without one is no error
	case id == "" && len(jobs) == 1:
		return &jobs[0], nil
	}
	var ids []string
	for i := range jobs {
		if id != "" && strings.EqualFold(jobs[i].ID, id) {
			return &jobs[i], nil
		}
		ids = append(ids, Told(jobs[i].ID))
	}
	if id != "" {
		return nil, fmt.Errorf("the enterprise application has no provisioning job %s; it has %s", Told(id), cmp.Or(strings.Join(ids, " and "), "none"))
	}
	return nil, fmt.Errorf("the enterprise application has %d provisioning jobs, %s: name one with --job", len(jobs), strings.Join(ids, " and "))
}

// Hindrances are why writes to Webex must not begin while the gallery app is as it is;
// none if they may.
func (g Gallery) Hindrances() []string {
	switch {
	case g.Unread != "":
		return []string{"whether the gallery app's job rests is not known: " + g.Unread}
	case g.Job == nil:
		return []string{"enterprise application " + g.AppID + " has no provisioning job, so whether something else writes to Webex cannot be seen from here: " +
			"if the gallery app is another application, name it with --app and ENTRA_APP_ID; turn Directory Connector, or a former tenant's job, off"}
	}
	var against []string
	if !g.Job.Rests() {
		against = append(against, fmt.Sprintf("the gallery app's job is %s, and would go on writing: stop it in the Entra admin center "+
			"(the enterprise application, Provisioning, Stop provisioning) and wait for the cycle that has begun", g.State()))
	}
	for _, id := range g.Others {
		against = append(against, fmt.Sprintf("provisioning job %s of the same application is not stopped, and would go on writing: stop it, too", id))
	}
	return against
}

// State is the state of the job in a few words.
func (g Gallery) State() string {
	switch {
	case g.Job == nil:
		return "unknown"
	case g.Job.Rests():
		return "stopped"
	}
	state := strings.ToLower(cmp.Or(printable.Short(g.Job.Status.Code, 20), printable.Short(g.Job.Schedule.State, 20), "in a state that is not told"))
	switch state {
	case "notrun":
		state = "started, and has not run yet"
	case "quarantine":
		state = "in quarantine"
	}
	if q := g.Job.Status.Quarantine; q != nil && q.Reason != "" {
		state += " (" + printable.Short(q.Reason, 60) + ")"
	}
	return state
}

// Setting is a setting of ours that says what the gallery app says.
type Setting struct {
	// Name is that of the variable, Parameter that of the template.
	Name      string `json:"name"`
	Parameter string `json:"parameter"`
	Value     string `json:"value"`
	// Why is where it comes from.
	Why string `json:"why"`
}

// Proposed are the settings that say what the gallery app says, under the mapping that
// takes the place of its own.
func (g Gallery) Proposed(rules mapping.Rules) []Setting {
	settings := []Setting{{"ENTRA_APP_ID", "EntraAppId", g.AppID, "the enterprise application itself, which keeps every assignment"}}
	if all := g.Settings.SyncAll; all != nil {
		scope, words := "assigned", "Sync only assigned users and groups"
		if *all {
			scope, words = "all", "Sync all users and groups"
		}
		settings = append(settings, Setting{"SCOPE", "Scope", scope, "its setting Scope: " + words})
	}
	if skip := g.Settings.SkipOutOfScopeDeletions; skip != nil {
		settings = append(settings, Setting{"SKIP_OUT_OF_SCOPE_DELETIONS", "SkipOutOfScopeDeletions", strconv.FormatBool(*skip), "its flag SkipOutOfScopeDeletions"})
	}
	if g.Job != nil || g.Unread != "" { // else nothing provisioned that had ways of its own
		groups := rules.Groups.Actions() != mapping.Actions{}
		settings = append(settings,
			Setting{"PROVISION_GROUPS", "ProvisionGroups", strconv.FormatBool(groups), "whether it maps groups"},
			Setting{"DEFAULT_ACCESS", "DefaultAccess", "include", "it provisions who is assigned without a role"},
			Setting{"NESTED_GROUPS", "NestedGroups", "false", "it reads no groups within groups"},
		)
	}
	return append(settings, Setting{"START_PAUSED", "StartPaused", "true", "nothing is written until entrawebex migrate --yes"})
}

// Differing says which of these are other ones here: present are the values by their
// names. What only says how to begin is left out.
func Differing(settings []Setting, present map[string]string) []string {
	var all []string
	for _, s := range settings {
		if is, known := present[s.Name]; known && !strings.EqualFold(is, s.Value) {
			all = append(all, fmt.Sprintf("%s is %s here and was %s in the gallery app", s.Name, cmp.Or(is, "empty"), s.Value))
		}
	}
	return all
}

// Environment are the settings as a file that a shell, systemd and a container read, and
// as the parameters of the template.
func Environment(g Gallery, settings []Setting) string {
	var b strings.Builder
	b.WriteString("# Settings that say what the gallery app says, made by entrawebex migrate.\n")
	if g.Job != nil {
		fmt.Fprintf(&b, "# Of its provisioning job %s.\n", printable.Short(g.Job.ID, 100))
	}
	if g.Unset != "" {
		fmt.Fprintf(&b, "# SCOPE is missing: look at Provisioning, Settings, Scope in the Entra admin center.\n")
	}
	parameters := make([]string, 0, len(settings))
	for _, s := range settings {
		fmt.Fprintf(&b, "\n# %s\n%s=%s\n", s.Why, s.Name, s.Value)
		parameters = append(parameters, s.Parameter+"="+s.Value)
	}
	fmt.Fprintf(&b, "\n# On AWS:\n# sam deploy --parameter-overrides %s\n", strings.Join(parameters, " "))
	return b.String()
}

// Refusal is the error of writes that must not begin, for these reasons.
func Refusal(hindrances []string) error {
	if len(hindrances) == 0 {
		return nil
	}
	return errors.New("nothing is written to Webex yet: " + strings.Join(hindrances, "; ") + ". If that is meant so, say --on-purpose")
}
