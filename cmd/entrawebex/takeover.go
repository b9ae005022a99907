package main

import "context"

// takeOver goes on at once with what a run that was killed had in flight: that
// this process has the file proves that nobody else is at its messages, letters,
// claims and comparison.
func (p *process) takeOver(ctx context.Context) error {
	claims, err := p.kept.ReleaseClaims(ctx)
	if err != nil {
		return err
	}
	messages, err := p.changes.Recover(ctx)
	if err != nil {
		return err
	}
	letters, err := p.deadLetters.Recover(ctx)
	if err != nil {
		return err
	}
	comparing, err := p.sweeps.Release(ctx)
	if err != nil {
		return err
	}
	if claims+messages+letters > 0 || comparing {
		p.log.WarnContext(ctx, "the last run did not come to its end: going on with what it had in flight",
			"objects", claims, "messages", messages, "letters", letters, "comparing", comparing)
	}
	return nil
}
