package graph

import (
	"net/http"
	"slices"
)

// managerRelation is a user's relationship to who manages it
// (https://learn.microsoft.com/graph/api/user-list-manager). A delta query that selects
// it tracks it (https://learn.microsoft.com/graph/delta-query-overview); that a change
// notification tells of it is documented nowhere: here none does.
const managerRelation = "manager"

// SetManager makes a live user the manager of another, in the place of who was; nobody
// if it is empty.
func (t *Tenant) SetManager(id, manager string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(id, Live)
	if err != nil {
		return err
	}
	var m *person
	if manager != "" {
		if m, err = t.find(manager, Live); err != nil {
			return err
		}
	}
	former := p.manager
	p.manager = m
	t.note(entry{object: p, properties: []string{managerRelation}, manager: former})
	return nil
}

// Manager returns the id of a user's manager; empty if it has none that lives.
func (t *Tenant) Manager(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, err := t.find(id, Live); err == nil {
		if m := p.shownManager(); m != nil {
			return m.id()
		}
	}
	return ""
}

// shownManager is the manager as long as it lives: one in the recycle bin is nobody's,
// until it is back.
func (p *person) shownManager() *person {
	if p.manager == nil || p.manager.place != Live {
		return nil
	}
	return p.manager
}

// recordReports notes that those whose manager this is have another one, or none, by
// its coming and going. The tenant is locked.
func (t *Tenant) recordReports(manager *person) {
	if !t.journal.kept {
		return
	}
	for _, p := range t.order {
		if p.manager == manager {
			t.note(entry{object: p, properties: []string{managerRelation}, manager: manager})
		}
	}
}

// readManager answers who manages a user. Nobody is 404.
func (t *Tenant) readManager(r *http.Request) (answer, error) {
	selects, err := t.selected(r, isUserProperty, directoryObject)
	if err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.find(r.PathValue("id"), Live)
	if err != nil {
		return answer{}, err
	}
	m := p.shownManager()
	if m == nil {
		return answer{}, notFound(managerRelation)
	}
	body := m.project(selects)
	body["@odata.context"] = metadata + odataContext(selects, "directoryObjects") + "/$entity"
	body["@odata.type"] = odataType(m)
	return answer{http.StatusOK, body}, nil
}

// manager tells on the page who manages a user, and in a later round who did before, if
// that is another: a first round lists what there is, and leaves out who has none.
func (d *deltaItems) manager(o object, former *person) {
	p, ok := o.(*person)
	if !ok || p.place != Live || !d.cursor.wants(managerRelation) {
		return
	}
	var list []map[string]any
	now := p.shownManager()
	if now != nil {
		list = append(list, map[string]any{"@odata.type": odataType(now), "id": now.id()})
	}
	if former != nil && former != now {
		list = append(list, map[string]any{"@odata.type": odataType(former), "id": former.id(), "@removed": map[string]any{"reason": "deleted"}})
	}
	if list != nil {
		d.item(o)[managerRelation+"@delta"] = list
	}
}

// isTracked reports whether a delta query of users can select the name.
func isTracked(name string) bool { return name == managerRelation || isUserProperty(name) }

// tellsManager reports whether an entry may be of another manager.
func (e entry) tellsManager() bool {
	return e.properties == nil || slices.Contains(e.properties, managerRelation)
}
