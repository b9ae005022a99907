package provision

import (
	"context"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// A user's manager is a reference to another account. Whoever has a manager is noted on
// that one in the ledger, before that one's link is read, and stays noted: so whenever
// the manager's account is another, or gone, those whose manager it is are told, and one
// who is hired before the manager gets the reference once that one arrives.

// manager is the attribute that holds the id of the manager in Entra, and once that is
// resolved the id of that one's account.
const manager = "manager"

// knowsManager reports whether it is known which account the user's manager has, as far
// as that is written; if not, it is asked first.
func (d *decision) knowsManager() bool {
	target := d.mapping.Users.Manager()
	verdict := d.verdict()
	if target == "" || d.reading.Presence != Present || d.leftScope() || d.record.WebexID == "" && verdict.Decision != scoping.Provision {
		return true
	}
	if f := AsFault(d.reading.ManagerErr); f != nil {
		d.refuse(target, f)
		return true
	}
	id, _ := d.reading.Attributes[manager].(string)
	if _, known := d.answers.managers[id]; known || id == "" {
		return true
	}
	return d.ask(question{at: ReferenceResolution, asks: askManager, text: id})
}

// resolve puts the id of the manager's account in the place of the manager's: null while
// there is no such account, and nothing where it was not asked.
func (v *view) resolve(attributes map[string]any) {
	id, named := attributes[manager].(string)
	if !named {
		return
	}
	account, known := v.answers.managers[id]
	switch {
	case !known:
		delete(attributes, manager)
	case account == "":
		attributes[manager] = nil
	default:
		attributes[manager] = account
	}
}

// managerAccount returns the account of the user's manager; empty if there is none. That
// the user is to be told of another is noted first.
func (b *batch) managerAccount(ctx context.Context, w *claimed, id string) (string, error) {
	is := change.Object{Kind: change.User, ID: id}
	if err := b.noteManager(ctx, w, is); err != nil {
		return "", err
	}
	accounts, err := b.Ledger.WebexIDs(ctx, []change.Object{is})
	if err != nil {
		return "", err
	}
	return accounts[0], nil
}

// noteManager notes the user on the manager, and takes the note off the former one: not
// before the ledger knows that it is noted on another, since a note too many does no
// harm.
func (b *batch) noteManager(ctx context.Context, w *claimed, is change.Object) error {
	former := w.record.Manager
	if former == is.ID {
		return nil
	}
	if err := b.Ledger.Await(ctx, w.object, []change.Object{is}); err != nil {
		return err
	}
	if w.record.Manager = is.ID; former == "" {
		return nil
	}
	if err := b.save(ctx, w); err != nil {
		return err
	}
	return b.Ledger.Arrived(ctx, change.Object{Kind: change.User, ID: former}, []change.Object{w.object})
}

// isReferredTo reports whether others may refer to the object's account.
func (v *view) isReferredTo() bool { return !v.isGroup() && v.mapping.Users.Manager() != "" }

// move notes that those who refer to the object's account are to be told.
func (v *view) move() { v.record.Moved = v.record.Moved || v.isReferredTo() }

// retold are the Changes of those whose manager the user is, if they are to be told.
func (w *imported) retold(reports []change.Object) []change.Change {
	isBack := w.record.Away && w.isMember()
	if !w.isReferredTo() || !w.record.Moved && !isBack {
		return nil
	}
	changes := make([]change.Change, len(reports))
	for i, o := range reports {
		changes[i] = w.follow(o)
	}
	return changes
}

// sameManager reports whether the attributes show the manager whom the record has, or
// none, and resolves it.
func (e *Engine) sameManager(ctx context.Context, r Record, attributes map[string]any) (bool, error) {
	id, named := attributes[manager].(string)
	if !named || id != r.Manager {
		return !named, nil
	}
	accounts, err := e.Ledger.WebexIDs(ctx, []change.Object{{Kind: change.User, ID: id}})
	if err != nil {
		return false, err
	}
	v := view{answers: answers{managers: map[string]string{id: accounts[0]}}}
	v.resolve(attributes)
	return true, nil
}
