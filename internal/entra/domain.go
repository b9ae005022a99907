package entra

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
)

// domain is the default domain of the tenant, as it was read last.
type domain struct {
	mu   sync.Mutex
	name string
	read time.Time
}

// domainStays is how long the default domain is taken to be what it was.
const domainStays = time.Hour

// longestDomain is the most that DNS allows, in characters (RFC 1035 section 2.3.4).
const longestDomain = 253

// defaultDomain returns the default domain of the tenant: the verified domain that is
// (https://learn.microsoft.com/graph/api/resources/verifieddomain). It needs
// Organization.Read.All.
func (c *Client) defaultDomain(ctx context.Context) (string, error) {
	d := c.domain
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.name != "" && c.now().Sub(d.read) < domainStays {
		return d.name, nil
	}
	at := c.now()
	err := c.readTenant(ctx, "verifiedDomains", func(element []byte) error {
		var tenant struct {
			Domains []struct {
				Name    string `json:"name"`
				Default bool   `json:"isDefault"`
			} `json:"verifiedDomains"`
		}
		if err := json.Unmarshal(element, &tenant); err != nil {
			return strange("the verified domains cannot be read")
		}
		for _, one := range tenant.Domains {
			if one.Default && one.Name != "" && len(one.Name) <= longestDomain {
				d.name, d.read = one.Name, at
				return nil
			}
		}
		return strange("none of the verified domains is the default")
	})
	if err != nil {
		return "", err
	}
	return d.name, nil
}

// tellDomain gives those that are there the default domain, where a mapping of their
// kind has it. Where it is not known, they cannot be read: it is never null.
func (c *Client) tellDomain(ctx context.Context, queries []provision.Query, readings []provision.Reading) {
	var name string
	var err error
	for i := range readings {
		r := &readings[i]
		if r.Presence != provision.Present || r.Err != nil || !c.domains[queries[i].Object.Kind] {
			continue
		}
		if name == "" && err == nil {
			name, err = c.defaultDomain(ctx)
		}
		if err != nil {
			*r = provision.Reading{Err: err}
			continue
		}
		r.Attributes[expression.DefaultDomain] = name
	}
}

// listDomain is tellDomain for a page of a delta query.
func (c *Client) listDomain(ctx context.Context, kind change.Kind, objects []reconcile.Object) error {
	if !c.domains[kind] || len(objects) == 0 {
		return nil
	}
	name, err := c.defaultDomain(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.Attributes != nil {
			o.Attributes[expression.DefaultDomain] = name
		}
	}
	return nil
}
