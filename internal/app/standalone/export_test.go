package standalone

// Listens reports whether the process has a webhook.
func (p *Process) Listens() bool { return p.listener != nil }

// HasSocket reports whether operators reach the process.
func (p *Process) HasSocket() bool { return p.operator != nil }
