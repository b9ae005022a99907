package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
)

// command is something that can be ordered from a page. What will happen is said first,
// on a page of its own, and what came of it on the next one.
type command struct {
	ask func(ctx context.Context, o operator.Operations, form url.Values) (question, error)
	// preview takes the place of ask for a configuration: what it would change may take long
	// to say.
	preview wanted
	do      func(ctx context.Context, o operator.Operations, form url.Values) (notice, error)
	// begin takes the place of do for what may take long, and opens the operator's
	// application itself.
	begin func(ctx context.Context, form url.Values) (notice, error)
}

// question says what an order would do.
type question struct {
	Title string
	// Lines say what will happen, Items to whom.
	Lines, Items []string
	// Differs are lines of a file that would be others, Plan what would be written to
	// Webex; empty and nil where that is not known before.
	Differs string
	Plan    *plan.Plan
	// Yes is the button's; Grave says that something is taken away.
	Yes   string
	Grave bool
	// Order, Fields and Back are filled in by whoever asks it.
	Order, Back string
	Fields      url.Values
	// Note is the name of a field for a reason; empty for none.
	Note string
}

// commands are all of them, by the last part of their path.
func (p *pages) commands() map[string]command {
	return map[string]command{
		"approve":     {ask: askDecide(approving()), do: p.approve},
		"reject":      {ask: askDecide(rejecting()), do: p.reject},
		"clear-guard": {ask: askClearGuard, do: clearGuard},
		"replay":      {ask: askReplay, begin: p.beginReplay},
		"pause":       {ask: askPause, do: pauseSide},
		"resume":      {ask: askResume, do: resumeSide},
		"provision":   {ask: askProvision, do: provisionNow},
		"reconcile":   {ask: askReconcile, do: reconcileAll},
		"apply":       {preview: pasted, do: apply(pasted)},
		"roll-back":   {preview: former, do: apply(former)},
		"migrate":     {ask: askMigrate, do: migrate},
	}
}

// longestForm is how many bytes a form has at most: that of a mapping is the longest.
const longestForm = 1 << 20

// order asks whether something is really wanted, or has it done.
func (p *pages) order(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("order")
	ordered, ok := p.commands()[name]
	if !ok {
		p.refuse(w, r, &gone{"there is no such order"})
		return
	}
	back := backOf(r.PostForm)
	switch {
	case r.PostForm.Get("sure") == "yes":
	case ordered.preview != nil:
		p.startPreview(w, r, name, ordered.preview)
		return
	default:
		p.page(func(r *http.Request, o operator.Operations) (view, error) { return asking(r, o, name, ordered, back) })(w, r)
		return
	}
	var came notice
	ctx := r.Context()
	var err error
	if ordered.begin != nil {
		came, err = ordered.begin(ctx, r.PostForm)
	} else {
		err = p.With(ctx, func(o operator.Operations) (err error) {
			came, err = ordered.do(ctx, o, r.PostForm)
			return err
		})
	}
	if err != nil {
		p.Log.WarnContext(ctx, "an order from the console failed", "order", name, "error", err)
		came = notice{Bad: true, Text: err.Error()}
	}
	p.status.forget()
	p.flow.forget()
	asked(r).tell(came)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// asking is the page that says what an order would do.
func asking(r *http.Request, o operator.Operations, name string, ordered command, back string) (view, error) {
	q, err := ordered.ask(r.Context(), o, r.PostForm)
	q.of(name, r.PostForm)
	return view{Title: q.Title, Here: back, Template: "question", Body: q}, err
}

// of has it be asked about an order, whose form goes on with it.
func (q *question) of(order string, form url.Values) {
	q.Order, q.Back, q.Fields = order, backOf(form), form
	q.Fields.Del("csrf")
}

// mine reads a form, and reports whether it is from a page of this session; if not, that
// is answered.
func (p *pages) mine(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, &operator.Error{Kind: operator.Invalid, Message: "the form cannot be read: " + err.Error()})
		return false
	}
	if !asked(r).ours(r.PostForm.Get("csrf")) {
		p.turnAway(w, r, "this form is not from a page that this browser was shown")
		return false
	}
	return true
}

func (p *pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	v := p.failed(r, "", err)
	p.render(w, r, v.Status, v.Template, v)
}

// backOf is the page that a form goes back to, which is one of ours.
func backOf(form url.Values) string {
	back, err := url.Parse(form.Get("back"))
	if err != nil || back.IsAbs() || back.Host != "" || !strings.HasPrefix(back.Path, "/") || strings.HasPrefix(back.Path, "//") {
		return "/"
	}
	return (&url.URL{Path: back.Path, RawQuery: back.RawQuery}).String()
}

// told is an error that says what is wrong with what was asked for; empty for another.
func told(err error) string {
	if e, ok := errors.AsType[*operator.Error](err); ok && e.Kind != operator.Failed {
		return e.Message
	}
	return ""
}

func decideRequest(form url.Values) operator.DecideRequest {
	if form.Get("all") == "yes" {
		return operator.DecideRequest{All: true}
	}
	return operator.DecideRequest{IDs: form["id"]}
}

// decision is one of the two.
type decision struct {
	verb, done string
	// means says what comes of an operation.
	means map[provision.Destruction]string
	// takes reports whether a word for all takes this hold, too.
	takes func(operator.Held) bool
	grave bool
}

func approving() decision {
	return decision{verb: "Approve", done: "approved", grave: true, takes: undecided, means: map[provision.Destruction]string{
		provision.Disabling: "the account is disabled in Webex: whoever has it is signed out and cannot sign in",
		provision.Deleting:  "the account or group is deleted in Webex, for good",
		provision.Removing:  "these members are taken out of the group in Webex",
	}}
}

func rejecting() decision {
	return decision{verb: "Reject", done: "rejected", takes: func(operator.Held) bool { return true }, means: map[provision.Destruction]string{
		provision.Disabling: "the account stays open in Webex until the user changes in Entra",
		provision.Deleting:  "it stays in Webex until it changes in Entra",
		provision.Removing:  "these members stay in the group until Entra has them back, or it changes",
	}}
}

func askDecide(d decision) func(context.Context, operator.Operations, url.Values) (question, error) {
	return func(ctx context.Context, o operator.Operations, form url.Values) (question, error) {
		request := decideRequest(form)
		if !request.All && len(request.IDs) == 0 {
			return question{}, &operator.Error{Kind: operator.Invalid, Message: "nothing is ticked: tick what is to be decided on, or decide on all"}
		}
		held, err := o.Holds(ctx)
		if err != nil {
			return question{}, err
		}
		q := question{Grave: d.grave}
		counts := map[provision.Destruction]int{}
		for _, h := range held {
			if request.All && !d.takes(h) || !request.All && !slices.Contains(request.IDs, h.Object.ID) {
				continue
			}
			counts[h.Operation]++
			q.Items = append(q.Items, fmt.Sprintf("%s: %s", called(h.Name, h.Object), operation(h)))
		}
		if len(q.Items) == 0 {
			return question{}, &operator.Error{Kind: operator.Invalid, Message: "nothing of that is held any more"}
		}
		for _, one := range []provision.Destruction{provision.Deleting, provision.Disabling, provision.Removing} {
			if n := counts[one]; n > 0 {
				q.Lines = append(q.Lines, fmt.Sprintf("%s (%s): %s.", operator.Counted(n, "hold"), one, d.means[one]))
			}
		}
		if d.grave {
			q.Lines = append(q.Lines, "Entra is asked once more before each: what Entra no longer wants is not done. The approval is good for 24 hours.")
		}
		q.Title = fmt.Sprintf("%s %s?", d.verb, operator.Counted(len(q.Items), "hold"))
		q.Yes = fmt.Sprintf("%s %d", d.verb, len(q.Items))
		return q, nil
	}
}

func (p *pages) approve(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	made, err := o.Approve(ctx, decideRequest(form))
	return decidedNotice(made, approving(), "They are on their way to Webex."), err
}

func (p *pages) reject(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	made, err := o.Reject(ctx, decideRequest(form))
	return decidedNotice(made, rejecting(), "They stay as they are."), err
}

func decidedNotice(made operator.Decided, d decision, after string) notice {
	n := notice{Text: fmt.Sprintf("%s %s. %s", operator.Counted(len(made.Done), "hold"), d.done, after), Lines: made.Failed, Bad: len(made.Failed) > 0}
	if made.LeftAlone > 0 {
		n.Lines = append(n.Lines, fmt.Sprintf("%d that were rejected before were left alone.", made.LeftAlone))
	}
	n.Link, n.LinkText = "/log?span=1h", "See the log"
	return n
}

func askClearGuard(ctx context.Context, o operator.Operations, _ url.Values) (question, error) {
	latch, err := o.Guard(ctx)
	if err == nil && latch.Since.IsZero() {
		err = &operator.Error{Kind: operator.Invalid, Message: "the guard is not latched"}
	}
	return question{
		Title: "Clear the guard?", Yes: "Clear the guard", Grave: true,
		Lines: []string{
			"From now on accounts are disabled and deleted without your word again, until there are too many within the hour.",
			"What is held already stays held: approve or reject it.",
		},
	}, err
}

func clearGuard(ctx context.Context, o operator.Operations, _ url.Values) (notice, error) {
	was, err := o.ClearGuard(ctx)
	text := "The guard was not latched."
	if !was.Since.IsZero() {
		text = fmt.Sprintf("The guard was on since %s and is now off.", clock(was.Since))
	}
	return notice{Text: text}, err
}

// replayRequest is that of a form: an object's letters, or all.
func replayRequest(form url.Values) (replay.Request, error) {
	switch ids := form["id"]; {
	case form.Get("all") == "yes":
		return replay.Request{}, nil
	case len(ids) > 0:
		return replay.Request{Filter: []string{"object=" + strings.Join(ids, ",")}}, nil
	default:
		return replay.Request{}, &operator.Error{Kind: operator.Invalid, Message: "nothing is ticked: tick what is to be replayed, or replay all"}
	}
}

func askReplay(ctx context.Context, o operator.Operations, form url.Values) (question, error) {
	request, err := replayRequest(form)
	if err != nil {
		return question{}, err
	}
	letters, err := o.Letters(ctx, operator.LettersRequest{Filter: request.Filter})
	if err != nil {
		return question{}, err
	}
	q := question{Title: "Replay dead letters?", Yes: "Replay", Lines: []string{
		"Each is put back on the queue, and its user or group is looked at as Entra has it now. What was mended succeeds. What was not becomes a dead letter again.",
	}}
	for _, l := range letters.Known {
		q.Items = append(q.Items, fmt.Sprintf("%s: %s", called(l.Name, l.Object), l.Reason))
	}
	if letters.Beyond > 0 && len(request.Filter) == 0 {
		q.Items = append(q.Items, fmt.Sprintf("and %s of whom the ledger knows nothing more", operator.Counted(letters.Beyond, "message")))
	}
	return q, nil
}

// sideOf is the side that a form names. The operator refuses others.
func sideOf(form url.Values) pause.Side { return pause.Side(form.Get("side")) }

func sideName(s pause.Side) string {
	return map[pause.Side]string{pause.Graph: "Graph", pause.Webex: "Webex"}[s]
}

// checkSide returns why a form names no side.
func checkSide(form url.Values) error {
	if sideName(sideOf(form)) == "" {
		return &operator.Error{Kind: operator.Invalid, Message: "name a side: graph or webex"}
	}
	return nil
}

func askPause(_ context.Context, _ operator.Operations, form url.Values) (question, error) {
	return question{
		Title: "Pause " + sideName(sideOf(form)) + "?", Yes: "Pause", Grave: true, Note: "why",
		Lines: []string{
			"Nothing is done any more, and nothing is lost: changes wait until you resume.",
			"People who leave keep their access until then.",
		},
	}, checkSide(form)
}

func pauseSide(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	_, err := o.Pause(ctx, operator.PauseRequest{Side: sideOf(form), Why: cmp.Or(strings.TrimSpace(form.Get("why")), "an operator said so")})
	return notice{Text: sideName(sideOf(form)) + " is paused until you resume it."}, err
}

func askResume(_ context.Context, _ operator.Operations, form url.Values) (question, error) {
	return question{
		Title: "Resume " + sideName(sideOf(form)) + "?", Yes: "Resume",
		Lines: []string{
			"Work goes on at once with what has waited.",
			"If the side is still down it is paused again by itself.",
		},
	}, checkSide(form)
}

func resumeSide(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	done, err := o.Resume(ctx, operator.ResumeRequest{Side: sideOf(form)})
	n := notice{Text: sideName(sideOf(form)) + " goes on."}
	if done.Was == nil {
		n.Text = sideName(sideOf(form)) + " was not paused."
	}
	if done.Owed != "" {
		n.Lines = append(n.Lines, "Within a minute: "+done.Owed)
	}
	return n, err
}

func askProvision(_ context.Context, _ operator.Operations, form url.Values) (question, error) {
	return question{
		Title: "Provision now?", Yes: "Provision now", Items: form["called"],
		Lines: []string{
			"Entra and Webex are read, trusting nothing that is kept, and what differs is put right.",
			"It goes the way of every change: the guard may hold it.",
		},
	}, nil
}

func provisionNow(ctx context.Context, o operator.Operations, form url.Values) (notice, error) {
	made, err := o.Provision(ctx, operator.ProvisionRequest{Names: form["id"]})
	n := notice{Text: "It is queued.", Link: "/log?" + url.Values{"correlation": {made.Correlation}}.Encode(), LinkText: "See what comes of it"}
	if made.Rests != "" {
		n.Bad, n.Text = true, "It is queued, and waits: "+made.Rests+"."
	}
	return n, err
}

func askReconcile(ctx context.Context, o operator.Operations, _ url.Values) (question, error) {
	q := question{
		Title: "Compare everything?", Yes: "Compare everything",
		Lines: []string{
			"Both sides are read as a whole, which begins within a minute, and what differs is put right, behind the guard.",
			"It costs a call for each 100 accounts and 25 groups.",
		},
	}
	now, err := o.Pipeline(ctx, operator.PipelineRequest{})
	for _, side := range pause.Sides() {
		if _, paused := now.Paused[side]; paused {
			q.Lines = append(q.Lines, sideName(side)+" is paused: nothing is put right until you resume it.")
		}
	}
	return q, err
}

func reconcileAll(ctx context.Context, o operator.Operations, _ url.Values) (notice, error) {
	return notice{Text: "A comparison of everything begins within a minute.", Link: "/comparison", LinkText: "See how far it is"}, o.Reconcile(ctx)
}
