package operator

import (
	"context"
	"time"

	"entrawebex/internal/condition"
)

// Job is how something stands that is done again and again.
type Job struct {
	Name string `json:"name"`
	condition.Job
}

// jobs are those that are done at all, and those that must be.
func (o *Operator) jobs(ctx context.Context) ([]Job, error) {
	jobs := []Job{}
	for _, name := range []string{condition.Renewing, condition.Looking, condition.ReachingWebex, condition.ReachingWebhook} {
		j, err := condition.ReadJob(ctx, o.Ledger, name)
		if err != nil {
			return nil, err
		}
		if j.Known() || name == condition.Renewing || name == condition.Looking {
			jobs = append(jobs, Job{name, j})
		}
	}
	return jobs, nil
}

// Start is what starts a process, wherever it runs.
const start = "start entrawebex run, or see the function's log"

// idle reports whether it is known that no process works on this data.
func (s *Status) idle() bool { return s.Served != nil && !*s.Served }

// attendJobs says which jobs are not done as they must be: nothing is known to be well by
// what was last seen before that.
func (s *Status) attendJobs(now time.Time, need func(bool, string, ...any), trouble func(time.Time, string, ...any)) {
	if s.idle() {
		need(true, "no process serves this data: start entrawebex run")
		return
	}
	begins := s.Served != nil // and is being served
	for _, j := range s.Jobs {
		need(!j.Known() && !begins, "nothing has begun to %s: %s", j.Name, start)
		if !j.Known() && begins {
			s.Retried = append(s.Retried, "it has yet to "+j.Name)
		}
		need(j.Late(now), "nothing tried to %s since %s: %s", j.Name, j.Last.UTC().Format(time.RFC3339), start)
		trouble(j.Failing.Since, "to %s fails: %s", j.Name, j.Failing.Error)
	}
	if s.Compared.Last == nil {
		s.Retried = append(s.Retried, "everything has yet to be compared")
	}
	const long = 24 * time.Hour
	due := s.Compared.Due
	need(!due.IsZero() && now.Sub(due) > long, "a comparison of everything is due since %s and comes to no end", due.UTC().Format(time.RFC3339))
}
