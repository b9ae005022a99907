package operator

import (
	"context"
	"strings"
	"testing"

	"entrawebex/internal/config"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/migration"
	"entrawebex/internal/provision"
)

// gallery answers as Graph does of one enterprise application.
type gallery struct {
	jobs                         []synchronization.Job
	settings                     synchronization.Settings
	jobsErr, settingsErr, schema error
}

func (gallery) ServicePrincipal(context.Context, string) (string, error) { return "sp", nil }

func (g gallery) SynchronizationJobs(context.Context, string) ([]synchronization.Job, error) {
	return g.jobs, g.jobsErr
}

func (g gallery) SynchronizationSchema(context.Context, string, string) (synchronization.Schema, error) {
	return synchronization.Schema{}, g.schema
}

func (g gallery) SynchronizationSettings(context.Context, string) (synchronization.Settings, error) {
	return g.settings, g.settingsErr
}

func TestWhatIsNotKnownOfAGalleryAppIsToldAndNeverTakenForNothing(t *testing.T) {
	t.Parallel()
	one := []synchronization.Job{{ID: "j"}}
	fault := func(kind provision.FaultKind) error { return &provision.Fault{Kind: kind, Reason: "read it: refused"} }
	for name, test := range map[string]struct {
		gallery       gallery
		unread, unset string
		fails         bool
	}{
		"all is told":               {gallery{jobs: one, settings: synchronization.Settings{SyncAll: new(true)}}, "", "", false},
		"no scope":                  {gallery{jobs: one}, "", "does not tell the scope", false},
		"settings that are refused": {gallery{jobs: one, settingsErr: fault(provision.Unauthorized)}, "", "refused", false},
		"settings that are not":     {gallery{jobs: one, settingsErr: fault(provision.Permanent)}, "", "refused", false},
		"settings for now":          {gallery{jobs: one, settingsErr: fault(provision.Throttled)}, "", "", true},
		"settings without an answer": {
			gallery{jobs: one, settingsErr: fault(provision.Transient)}, "", "", true,
		},
		"no job, and no settings of one": {gallery{settingsErr: fault(provision.Permanent)}, "", "", false},
		"jobs that are refused":          {gallery{jobsErr: fault(provision.Unauthorized)}, "refused", "refused", false},
		"jobs for now":                   {gallery{jobsErr: fault(provision.Throttled)}, "", "", true},
		"several jobs":                   {gallery{jobs: append(one, one...)}, "", "", true},
	} {
		got, err := readGallery(t.Context(), test.gallery, &config.Settings{}, "app", "")
		if (err != nil) != test.fails || err == nil && (!strings.Contains(got.Unread, test.unread) || !strings.Contains(got.Unset, test.unset) || (got.Unset == "") != (test.unset == "")) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Who names one of two jobs does not see the other one write.
func TestAFurtherJobThatIsNotStoppedIsSeen(t *testing.T) {
	t.Parallel()
	jobs := []synchronization.Job{{ID: "named"}, {ID: "stopped"}, {ID: "active"}}
	jobs[0].Schedule.State, jobs[1].Schedule.State, jobs[2].Schedule.State = "Disabled", "Disabled", "Active"
	got, err := readGallery(t.Context(), gallery{jobs: jobs}, &config.Settings{}, "app", "named")
	if err != nil || len(got.Others) != 1 || got.Others[0] != "active" {
		t.Errorf("%v, %v", got.Others, err)
	}
}

func TestASchemaThatGraphDoesNotGiveIsToBeDownloaded(t *testing.T) {
	t.Parallel()
	read := migration.Gallery{ID: "sp", Job: &synchronization.Job{ID: "j"}}
	for kind, want := range map[provision.FaultKind]bool{provision.Permanent: true, provision.Unauthorized: true, provision.Throttled: false, provision.Transient: false} {
		_, _, err := importSchema(t.Context(), gallery{schema: &provision.Fault{Kind: kind, Reason: "404"}}, read)
		if err == nil || strings.Contains(err.Error(), "--schema FILE") != want {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

func TestAGalleryAppThatIsNotNamedIsAskedFor(t *testing.T) {
	t.Parallel()
	if _, err := readGallery(t.Context(), gallery{}, &config.Settings{}, "", ""); err == nil || !strings.Contains(err.Error(), "say --app") {
		t.Error(err)
	}
	if got, err := readGallery(t.Context(), gallery{}, &config.Settings{Entra: config.Entra{AppID: "mine"}}, "", ""); err != nil || got.AppID != "mine" {
		t.Errorf("%+v, %v", got, err)
	}
}
