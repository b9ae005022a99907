package membership

// Sync is how far a comparison of all members of a group has come. A small group is
// compared within one lease of its record. Where the pages of a large one leave no time
// to ask about those who may have left, the leases after it read on, and then ask about
// all whom Webex has, a part in each.
type Sync struct {
	// Page is the page of Entra's members that comes next; empty for the
	// first. Pages is how many were read before it.
	Page  string `json:"page,omitempty"`
	Pages int    `json:"pages,omitempty"`
	// Long says that one lease did not suffice: members who are named meanwhile
	// are looked at without waiting for its end.
	Long bool `json:"long,omitempty"`
	// Singly says that not even all of Entra's pages can be read in one lease:
	// whoever Webex has is asked about.
	Singly bool `json:"singly,omitempty"`
	// After is the Webex id up to which those have been asked about who may have
	// left, in the order of these ids.
	After string `json:"after,omitempty"`
	// Held says that some of those wait for an operator, Anew that it began once
	// more because they were approved when it was past them.
	Held bool `json:"held,omitempty"`
	Anew bool `json:"anew,omitempty"`
}

// IsPart reports whether this lease meets only a part of those who may have left.
func (s Sync) IsPart() bool { return s.Singly || s.After != "" }

// Read is the comparison after Entra's pages were read on, up to the one that comes
// next; none after the last. It reports whether all of Entra's members were listed in
// this lease.
func (s Sync) Read(next string, pages int) (then Sync, all bool) {
	if next == "" && s.Page != "" { // those on the pages before were listed in another
		return Sync{Long: true, Singly: true, Anew: s.Anew}, false
	}
	s.Long, s.Page, s.Pages = true, next, pages
	return s, next == ""
}

// Asked is the comparison after those who may have left were asked about, up to that
// account. All says that it was the last, held that the removal of some waits for an
// operator.
func (s Sync) Asked(after string, all, held bool) Sync {
	s.Singly = s.Singly || !all && after == s.After // the pages leave no time
	s.After, s.Held = after, s.Held || held
	return s
}

// FromStart is the comparison that begins with Entra's first page again.
func (s Sync) FromStart() Sync { return Sync{Long: s.Long, Held: s.Held} }

// Rest is what is left of a comparison that came to its end, nil for nothing, and
// whether that is to be done at once. Where removals wait, it is done once more after
// the answer, for it is not kept whom they are about; passed says that the answer came
// when it was past them.
func (s Sync) Rest(waits, passed bool) (rest *Sync, atOnce bool) {
	switch {
	case !waits:
		return nil, false
	case passed && !s.Anew:
		return &Sync{Long: true, Anew: true}, true
	default:
		return &Sync{Long: s.Singly}, false
	}
}
