package standalone

// Listens reports whether the process has a webhook.
func (p *Process) Listens() bool { return p.listener != nil }

// HasSocket reports whether operators reach the process.
func (p *Process) HasSocket() bool { return p.operator != nil }

// MetricsAddr is where metrics are told.
func (p *Process) MetricsAddr() string { return p.metrics.Addr().String() }
