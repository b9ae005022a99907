package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestCheckPrintsALineForEachResultAndFailsIfOneDoes(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		settings.Warnings = []string{"mind this"}
		var out bytes.Buffer
		err := printCheck(ctx, &out, settings, false)
		if err != nil || !strings.Contains(out.String(), "note  Settings                 mind this\nok    Settings                 complete\n") {
			t.Errorf("%v\n%s", err, out.String())
		}
		settings.Webex.AccessToken = "old"
		out.Reset()
		err = printCheck(ctx, &out, settings, false)
		if !errors.Is(err, errReported) || !strings.Contains(out.String(), "\nFAIL  Webex organization       ") {
			t.Errorf("%v\n%s", err, out.String())
		}
	})
}
