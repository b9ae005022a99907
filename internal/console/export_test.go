package console

import (
	"maps"
	"slices"
	"strings"
)

// Forms are the paths to which a form can be sent, by the routes that are served: one for
// each order.
func (c *Console) Forms() []string {
	var paths []string
	for _, one := range c.pages.routes() {
		method, path, ok := strings.Cut(one.pattern, " ")
		if !ok || method == "GET" {
			continue
		}
		names := []string{"hire"}
		if strings.Contains(path, "{order}") {
			names = slices.Sorted(maps.Keys(c.pages.commands()))
		}
		for _, name := range names {
			full := strings.NewReplacer("{order}", name, "{play}", name).Replace(path)
			paths = append(paths, full)
			if full == path {
				break
			}
		}
	}
	return paths
}

// Address is where it listens.
func (c *Console) Address() string { return c.listener.Addr().String() }
