package config

import (
	"strings"
	"testing"
)

func TestWhoMailsNeedsATopic(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings Settings
		lacks    []string
	}{
		"nobody":   {},
		"somebody": {Settings{DailyMail: DailyMail{Address: "ada@contoso.example"}}, []string{"DAILY_MAIL_TOPIC", "DEAD_LETTER_QUEUE_URL"}},
		"with all": {Settings{DailyMail: DailyMail{Address: "ada@contoso.example", Topic: "t"}, AWS: AWS{DeadLetterQueueURL: "q"}}, nil},
	} {
		err := test.settings.checkDailyMail()
		if (err != nil) != (len(test.lacks) > 0) {
			t.Errorf("%s: %v", name, err)
		}
		for _, variable := range test.lacks {
			if !strings.Contains(err.Error(), variable) {
				t.Errorf("%s: %v; want %s", name, err, variable)
			}
		}
	}
	for hour, well := range map[int]bool{-1: false, 0: true, 23: true, 24: false} {
		s := Settings{DailyMail: DailyMail{Hour: hour}}
		if err := s.checkDailyHour(); (err == nil) != well {
			t.Errorf("hour %d: %v", hour, err)
		}
	}
}
