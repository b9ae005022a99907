package scim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"entrawebex/internal/sandbox/seeded"
)

// habits are what an organization does that a server need not do.
type habits struct {
	searchLag, keepNames       time.Duration
	normalizes, renameInactive bool
	page                       int
	random                     *rand.Rand
}

func newHabits(cfg Config) habits {
	return habits{
		searchLag: cfg.SearchLag, keepNames: cfg.KeepNames, normalizes: cfg.Normalize, renameInactive: cfg.RenameInactive,
		page: cmp.Or(cfg.Page, maxMembers), random: seeded.Random(cfg.Seed, "org habits"),
	}
}

// document is what a search shows of something that was written a moment ago.
type document struct {
	attributes map[string]any // nil for nothing yet
	until      time.Time
}

// at returns what a search goes by: attributes, or what they were.
func (d document) at(now time.Time, attributes map[string]any) map[string]any {
	if now.Before(d.until) {
		return d.attributes
	}
	return attributes
}

// outdated is what a search shows for a while of what is written now, which was
// so before.
func (h habits) outdated(d document, before map[string]any, now time.Time) document {
	if h.searchLag == 0 {
		return document{}
	}
	return document{d.at(now, before), now.Add(time.Duration(h.random.Int64N(int64(h.searchLag))))}
}

// normalize brings names and addresses to the form in which they are kept.
func (h habits) normalize(attributes map[string]any) {
	if !h.normalizes {
		return
	}
	edit(attributes, "userName", strings.ToLower)
	edit(attributes, "displayName", strings.TrimSpace)
	if name, ok := attributes["name"].(map[string]any); ok {
		edit(name, "givenName", strings.TrimSpace)
		edit(name, "familyName", strings.TrimSpace)
	}
	emails, _ := attributes["emails"].([]any)
	for _, element := range emails {
		if email, ok := element.(map[string]any); ok {
			edit(email, "value", strings.ToLower)
		}
	}
}

// readdress gives an account another userName, and its primary work address with it.
func readdress(attributes map[string]any, name string) {
	attributes["userName"] = name
	emails, _ := attributes["emails"].([]any)
	for _, element := range emails {
		if email, ok := element.(map[string]any); ok && email["type"] == "work" && email["primary"] == true {
			email["value"] = name
		}
	}
}

func edit(attributes map[string]any, name string, how func(string) string) {
	if text, ok := attributes[name].(string); ok {
		attributes[name] = how(text)
	}
}

// Edit changes an account as an administrator does in Control Hub: what edit does
// to the attributes is checked, and stored at once. Edit must not call the
// organization.
func (o *Organization) Edit(id string, edit func(attributes map[string]any)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, err := o.account(id)
	if err != nil {
		return fmt.Errorf("edit account %s: %w", id, err)
	}
	return o.edit(a, func(attributes map[string]any) (map[string]any, error) {
		edit(attributes)
		return attributes, nil
	})
}
