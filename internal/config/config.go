// Package config reads the environment, and the secrets it names, into
// settings that have been looked at: every mistake is told in one sentence,
// with the mend, before anything starts.
package config

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caarlos0/env/v11"
	"github.com/google/uuid"
)

// Settings is the whole contract with the outside.
type Settings struct {
	Entra   Entra
	Webex   Webex
	Webhook Webhook
	AWS     AWS

	// Scope is who is provisioned: assigned are those who are assigned to the
	// enterprise application, and all everybody in the tenant.
	Scope string `env:"SCOPE" envDefault:"assigned"`
	// DefaultAccess says whether an assignment without an app role counts:
	// include or exclude.
	DefaultAccess string `env:"DEFAULT_ACCESS" envDefault:"include"`
	// SkipOutOfScopeDeletions leaves those active who left the scope. It is
	// named as with Entra's own service.
	SkipOutOfScopeDeletions bool `env:"SKIP_OUT_OF_SCOPE_DELETIONS"`
	// MappingFile is read in place of the mapping that is built in, on one machine.
	MappingFile string `env:"MAPPING_FILE"`
	// ProvisionGroups is false if groups are left alone in Webex.
	ProvisionGroups bool `env:"PROVISION_GROUPS" envDefault:"true"`
	// NestedGroups makes the users of groups within a group its members.
	NestedGroups bool `env:"NESTED_GROUPS"`
	// GroupSoftDelete is what comes of a group in Entra's recycle bin: keep
	// or delete.
	GroupSoftDelete string `env:"GROUP_SOFT_DELETE" envDefault:"keep"`
	// Protected are object ids and userNames that are never disabled or
	// deleted.
	Protected []string `env:"PROTECTED_USERS"`
	// UpsertOnly never disables, deletes or removes anything.
	UpsertOnly bool `env:"UPSERT_ONLY"`
	Guard      Guard
	// ConfirmAfter is the time between the two readings before a DELETE.
	ConfirmAfter time.Duration `env:"DELETE_CONFIRM_AFTER" envDefault:"10m"`
	// StartPaused has nothing written to Webex from the first start on until an operator
	// resumes.
	StartPaused bool `env:"START_PAUSED"`
	// RepairDrift makes a sweep read Webex, and put right what others changed
	// there.
	RepairDrift bool `env:"REPAIR_DRIFT"`
	// CompareInterval is how often everything is compared.
	CompareInterval time.Duration `env:"COMPARE_INTERVAL" envDefault:"24h"`
	// HistoryDays is for how many days the provisioning log keeps an entry.
	HistoryDays int `env:"HISTORY_DAYS" envDefault:"30"`
	DailyMail   DailyMail
	// RenewInterval and ReconcileInterval are the schedules of the one-process
	// mode.
	RenewInterval     time.Duration `env:"RENEW_INTERVAL"     envDefault:"1m"`
	ReconcileInterval time.Duration `env:"RECONCILE_INTERVAL" envDefault:"1m"`
	// ListenAddr is where the one-process mode listens.
	ListenAddr string `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080"`
	// MetricsAddr is where the one-process mode tells whether all is well, and metrics;
	// empty for nowhere.
	MetricsAddr string `env:"METRICS_ADDR"`
	// ConsoleAddr is the loopback address at which the one-process mode serves the console,
	// with port 0 any that is free; off for none.
	ConsoleAddr string `env:"CONSOLE_ADDR" envDefault:"127.0.0.1:0"`
	// ConsoleOrigin is the origin of a reverse proxy that authenticates whoever asks it for
	// the console, such as https://entrawebex.example.com; empty for none.
	ConsoleOrigin string `env:"CONSOLE_ORIGIN"`
	// DataDir is where the embedded queue and ledger live.
	DataDir string `env:"DATA_DIR" envDefault:"data"`
	// Fleeting says that DATA_DIR goes with the process, so that nothing in it is worth a
	// wait for the disk.
	Fleeting bool `env:"-"`

	// Given says of each variable that was given where: see Value.From.
	Given map[string]string `env:"-"`
	// Warnings are for the log: what was understood, but should be mended.
	Warnings []string `env:"-"`
}

// Entra says how to reach Microsoft Graph.
type Entra struct {
	// TenantID is the tenant's, a GUID.
	TenantID string `env:"ENTRA_TENANT_ID"`
	// ClientID is the application (client) id of the app registration, a GUID, and
	// ClientSecret the value of its client secret, not the secret's id.
	ClientID     string `env:"ENTRA_CLIENT_ID"`
	ClientSecret string `env:"ENTRA_CLIENT_SECRET" secret:"true"`
	// ClientCertificate is, in place of the secret, a certificate of the app registration
	// with its private key, both in PEM.
	ClientCertificate string `env:"ENTRA_CLIENT_CERTIFICATE" secret:"true"`
	// Federation is aws where the app registration trusts the AWS identity of the process:
	// then neither secret nor certificate is needed or used.
	Federation string `env:"ENTRA_FEDERATION"`
	// SecretExpires is the last day of ClientSecret, such as 2027-01-31; empty if Graph
	// is to be asked.
	SecretExpires string `env:"ENTRA_SECRET_EXPIRES"`
	// AppID is the application (client) id of the enterprise application whose
	// assignments are the scope, and whose app roles are mapped; the ClientID if the
	// environment has none.
	AppID string `env:"ENTRA_APP_ID"`
	// Cloud is public, usgov, usgov-dod or china.
	Cloud string `env:"ENTRA_CLOUD" envDefault:"public"`
	// GraphURL overrides the root of Graph, without /v1.0, and AccessToken
	// the credentials; both for a loopback host only.
	GraphURL    string `env:"GRAPH_URL"`
	AccessToken string `env:"GRAPH_ACCESS_TOKEN" secret:"true"`
}

// Webex says how to reach Webex.
type Webex struct {
	// OrgID is a UUID; the environment may have the base64 form of the /v1
	// APIs.
	OrgID string `env:"WEBEX_ORG_ID"`
	// Cloud is public or usgov.
	Cloud string `env:"WEBEX_CLOUD" envDefault:"public"`
	// SCIMURL is the SCIM root of the organization; the environment may
	// override it.
	SCIMURL string `env:"WEBEX_SCIM_URL"`
	// AccessToken is a fixed token, or the last that a service app made; it
	// may be empty if there is a service app.
	AccessToken string `env:"WEBEX_ACCESS_TOKEN" secret:"true"`
	// ClientID, ClientSecret and RefreshToken are a service app's: all of them
	// or none.
	ClientID     string `env:"WEBEX_CLIENT_ID"`
	ClientSecret string `env:"WEBEX_CLIENT_SECRET" secret:"true"`
	RefreshToken string `env:"WEBEX_REFRESH_TOKEN" secret:"true"`
	// TokenURL is the token endpoint; the environment may override it for a
	// loopback host only.
	TokenURL string `env:"WEBEX_TOKEN_URL"`
	// TokenExpires is the last day of a fixed AccessToken, such as 2027-01-31;
	// empty if nobody knows.
	TokenExpires string `env:"WEBEX_TOKEN_EXPIRES"`
}

// Guard says from where on destruction waits for an operator: above the larger
// of Floor objects and Share percent of those provisioned within Window, and
// above GroupShare percent of a group's members.
type Guard struct {
	Floor      int           `env:"GUARD_FLOOR"       envDefault:"20"`
	Share      int           `env:"GUARD_SHARE"       envDefault:"1"`
	GroupShare int           `env:"GUARD_GROUP_SHARE" envDefault:"20"`
	Window     time.Duration `env:"GUARD_WINDOW"      envDefault:"60m"`
}

// DailyMail says who is mailed each day what was done the day before, on AWS. Names are
// in it.
type DailyMail struct {
	// Address is who is mailed what was done yesterday, names included; empty for nobody.
	Address string `env:"DAILY_MAIL_ADDRESS"`
	// Hour is that of the day, in UTC, from which on the mail is sent.
	Hour int `env:"DAILY_MAIL_HOUR" envDefault:"6"`
	// Topic is the ARN of SNS's topic to which Address is subscribed.
	Topic string `env:"DAILY_MAIL_TOPIC"`
}

// Webhook says where Graph delivers and how it is recognised.
type Webhook struct {
	// URL is the public base URL; empty for none.
	URL string `env:"WEBHOOK_URL"`
	// ClientState is the secret by which a notification is known to be Graph's, and
	// PreviousClientState the one before it, which counts, too, while it is changed.
	ClientState         string `env:"CLIENT_STATE"          secret:"true"`
	PreviousClientState string `env:"CLIENT_STATE_PREVIOUS" secret:"true"`
}

// AWS names the stores on AWS; where they are empty the embedded ones are used.
type AWS struct {
	// ChangeQueueURL and DeadLetterQueueURL are those of the queues in SQS.
	ChangeQueueURL     string `env:"CHANGE_QUEUE_URL"`
	DeadLetterQueueURL string `env:"DEAD_LETTER_QUEUE_URL"`
	// LedgerTable is the name of the ledger's table in DynamoDB.
	LedgerTable string `env:"LEDGER_TABLE"`
	// HistoryTable has the provisioning log.
	HistoryTable string `env:"HISTORY_TABLE"`
	// EventSourceMapping is the UUID of the mapping that feeds the worker from
	// the change queue, which renew switches; empty where there is none, as
	// with an emulator.
	EventSourceMapping string `env:"EVENT_SOURCE_MAPPING"`
	// TokenSecret is the ARN of the secret in which renew keeps a service app's tokens.
	TokenSecret string `env:"TOKEN_SECRET_ARN"`
	// RenewFunction is the name of the function that the webhook starts when
	// Graph says something of a subscription; empty where there is none.
	RenewFunction string `env:"RENEW_FUNCTION"`
	// MetricNamespace is that of the metrics that the functions write into their logs;
	// empty writes none.
	MetricNamespace string `env:"METRIC_NAMESPACE"`
	// TraceDaemon is where X-Ray's daemon listens, as Lambda says where tracing is on.
	TraceDaemon string `env:"AWS_XRAY_DAEMON_ADDRESS"`
}

// Part is a part of the system, which needs its settings.
type Part int

// The parts.
const (
	// WebhookFunction receives notifications.
	WebhookFunction Part = iota
	// WorkerFunction reads Entra and writes Webex.
	WorkerFunction
	// RenewFunction keeps the subscription.
	RenewFunction
	// ReconcileFunction finds what no notification told.
	ReconcileFunction
	// ReplayFunction puts dead letters back.
	ReplayFunction
	// OneProcess is all of them, with the embedded stores.
	OneProcess
	// Operator is a command that looks at what is kept: in the stores on AWS
	// if one of them is named, else in the embedded ones.
	Operator
	// Planner is an operator's command that compares both sides with what is
	// kept, and writes nothing.
	Planner
)

// Load reads the settings that a part needs. environ is the environment as
// os.Environ returns it; secret returns the text of the secret an ARN names.
// What SECRET_ARN names supplies the variables that the environment lacks, and
// in one process the file in DATA_DIR the last token that a service app made, as on AWS
// the secret that TOKEN_SECRET_ARN names does. An
// Operator who lacks nothing reads no secret.
func Load(ctx context.Context, part Part, environ []string, secret func(ctx context.Context, arn string) (string, error)) (Settings, error) {
	variables := env.ToMap(environ)
	given := map[string]string{}
	note(given, variables, FromEnvironment)
	secrets := secretARNs(variables["SECRET_ARN"])
	if part == Operator && findsHomes(variables) {
		secrets = nil
	}
	for _, arn := range secrets {
		if err := merge(ctx, variables, arn, secret); err != nil {
			return Settings{}, err
		}
		note(given, variables, arn)
	}
	s := Settings{Given: given}
	if err := s.parse(variables); err != nil {
		return Settings{}, err
	}
	s.Entra.TenantID = strings.ToLower(s.Entra.TenantID)
	if s.Entra.AppID == "" {
		s.Entra.AppID = s.Entra.ClientID
	}
	if err := s.check(part); err != nil {
		return s, err
	}
	if !s.Webex.HasServiceApp() {
		return s, nil
	}
	var err error
	switch {
	case part == OneProcess:
		s.Webex, err = NewTokenFile(s.DataDir, s.Webex).Webex(ctx)
	case s.AWS.TokenSecret != "":
		s.Webex, err = s.withKept(ctx, secret)
	}
	return s, err
}

// note notes where those variables come from of which that is not noted yet.
func note(given, variables map[string]string, from string) {
	for name, value := range variables {
		if value != "" && given[name] == "" {
			given[name] = from
		}
	}
}

// findsHomes reports whether the variables say where everything is kept, and whose it is.
func findsHomes(variables map[string]string) bool {
	for _, name := range []string{"ENTRA_TENANT_ID", "WEBEX_ORG_ID", "CHANGE_QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "LEDGER_TABLE", "HISTORY_TABLE"} {
		if variables[name] == "" {
			return false
		}
	}
	return true
}

// Everybody reports whether the whole tenant is in scope.
func (s *Settings) Everybody() bool { return s.Scope == all }

// GroupsMatter reports whether anything follows from groups: they are
// provisioned, or decide who is in scope.
func (s *Settings) GroupsMatter() bool { return s.ProvisionGroups || !s.Everybody() }

// Rules are those settings that decide, beside the mapping, who is provisioned
// and as what, as one text. Where it has changed, those in whom nothing has
// changed must be looked at too.
func (s *Settings) Rules() string {
	text := fmt.Sprintf("SCOPE=%s PROVISION_GROUPS=%t NESTED_GROUPS=%t GROUP_SOFT_DELETE=%s UPSERT_ONLY=%t",
		s.Scope, s.ProvisionGroups, s.NestedGroups, s.GroupSoftDelete, s.UpsertOnly)
	if !s.Everybody() {
		text += fmt.Sprintf(" ENTRA_APP_ID=%s DEFAULT_ACCESS=%s SKIP_OUT_OF_SCOPE_DELETIONS=%t",
			strings.ToLower(s.Entra.AppID), s.DefaultAccess, s.SkipOutOfScopeDeletions)
	}
	return text
}

func merge(ctx context.Context, variables map[string]string, arn string, secret func(context.Context, string) (string, error)) error {
	text, err := secret(ctx, arn)
	if err != nil {
		return fmt.Errorf("read the secret %s that SECRET_ARN names: %w", arn, err)
	}
	var values map[string]string
	// The parser's own error would quote the secret.
	if json.Unmarshal([]byte(text), &values) != nil {
		return fmt.Errorf("the secret %s is not a JSON object of variable names and texts", arn)
	}
	for name, value := range values {
		if variables[name] == "" {
			variables[name] = value
		}
	}
	return nil
}

func (s *Settings) check(part Part) error {
	problems := []error{s.checkScope(), s.checkTenant(), s.checkMapping(part)}
	switch part {
	case WebhookFunction:
		problems = append(problems, s.checkClientState(), need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"))
	case WorkerFunction:
		problems = append(problems, s.checkGraph(), s.checkApp(), s.checkWebex(), s.checkTokenSecret(), s.checkGroups(), s.checkGuard(),
			need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"),
			need("DEAD_LETTER_QUEUE_URL", s.AWS.DeadLetterQueueURL, "the URL of the FIFO dead-letter queue"),
			need("LEDGER_TABLE", s.AWS.LedgerTable, "the name of the DynamoDB table"),
			s.checkHistory())
	case RenewFunction:
		problems = append(problems, s.checkGraph(), s.checkWebex(), s.checkTokenSecret(), s.checkClientState(), s.checkWebhook(), s.checkIntervals(),
			need("WEBHOOK_URL", s.Webhook.URL, "the public address of the webhook"),
			need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"),
			need("DEAD_LETTER_QUEUE_URL", s.AWS.DeadLetterQueueURL, "the URL of the FIFO dead-letter queue"),
			need("LEDGER_TABLE", s.AWS.LedgerTable, "the name of the DynamoDB table"))
	case ReconcileFunction:
		problems = append(problems, s.checkGraph(), s.checkApp(), s.checkWebex(), s.checkTokenSecret(), s.checkGroups(), s.checkGuard(), s.checkCompare(), s.checkIntervals(), s.checkDailyMail(), s.checkDailyHour(),
			need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"),
			need("LEDGER_TABLE", s.AWS.LedgerTable, "the name of the DynamoDB table"),
			s.checkHistory())
	case ReplayFunction:
		problems = append(problems,
			need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"),
			need("DEAD_LETTER_QUEUE_URL", s.AWS.DeadLetterQueueURL, "the URL of the FIFO dead-letter queue"),
			s.checkHistory())
	case Operator:
		return errors.Join(s.checkOrganization(), s.checkHomes(), s.checkHistoryDays())
	case Planner:
		problems = append(problems, s.checkGraph(), s.checkApp(), s.checkWebex(), s.checkGroups(), s.checkGuard(), s.checkHomes())
	case OneProcess:
		problems = append(problems, s.checkGraph(), s.checkApp(), s.checkWebex(), s.checkGroups(), s.checkGuard(), s.checkIntervals(), s.checkAddresses(), s.checkCompare(), s.checkHistoryDays(), s.checkDailyHour())
		if s.Webhook.URL != "" { // else it is not reached, and asks
			problems = append(problems, s.checkClientState(), s.checkWebhook())
		}
	}
	return errors.Join(problems...)
}

// checkOrganization completes the organization where one is named: an operator who
// only looks at what is kept need not name any.
func (s *Settings) checkOrganization() (err error) {
	if id, ok := galleryOrgID(s.Webex.SCIMURL); ok {
		s.Webex.OrgID = id
	}
	if s.Webex.OrgID != "" {
		s.Webex.OrgID, err = orgID(s.Webex.OrgID)
	}
	return err
}

func (s *Settings) checkHomes() error {
	if s.AWS == (AWS{}) {
		return nil
	}
	return errors.Join(
		need("CHANGE_QUEUE_URL", s.AWS.ChangeQueueURL, "the URL of the FIFO queue"),
		need("DEAD_LETTER_QUEUE_URL", s.AWS.DeadLetterQueueURL, "the URL of the FIFO dead-letter queue"),
		need("LEDGER_TABLE", s.AWS.LedgerTable, "the name of the DynamoDB table"),
		need("HISTORY_TABLE", s.AWS.HistoryTable, ofHistory))
}

const ofHistory = "the name of the DynamoDB table of the provisioning log"

func (s *Settings) checkHistory() error {
	return errors.Join(s.checkHistoryDays(), need("HISTORY_TABLE", s.AWS.HistoryTable, ofHistory))
}

// checkHistoryDays refuses what would keep nothing, or forever.
func (s *Settings) checkHistoryDays() error {
	const longest = 3650
	if s.HistoryDays < 1 || s.HistoryDays > longest {
		return fmt.Errorf("HISTORY_DAYS is %d and must be a number of days, 1 to %d", s.HistoryDays, longest)
	}
	return nil
}

// checkDailyMail asks for what a mail takes, where somebody is mailed.
func (s *Settings) checkDailyMail() error {
	if s.DailyMail.Address == "" {
		return nil
	}
	return errors.Join(
		need("DAILY_MAIL_TOPIC", s.DailyMail.Topic, "the ARN of the SNS topic of the daily mail"),
		need("DEAD_LETTER_QUEUE_URL", s.AWS.DeadLetterQueueURL, "the URL of the FIFO dead-letter queue"))
}

func (s *Settings) checkDailyHour() error {
	const last = 23
	if h := s.DailyMail.Hour; h < 0 || h > last {
		return fmt.Errorf("DAILY_MAIL_HOUR is %d and must be an hour of the day in UTC, 0 to %d", h, last)
	}
	return nil
}

// HistoryKept is for how long the provisioning log keeps an entry; 30 days where
// nothing is said.
func (s *Settings) HistoryKept() time.Duration {
	const day, usual = 24 * time.Hour, 30
	return time.Duration(cmp.Or(s.HistoryDays, usual)) * day
}

// assigned and all are the scopes.
const (
	assigned = "assigned"
	all      = "all"
)

func (s *Settings) checkScope() error {
	switch {
	case s.Scope != assigned && s.Scope != all:
		return fmt.Errorf("SCOPE is %q and must be assigned (those who are assigned to the enterprise application) or all (everybody in the tenant)", s.Scope)
	case s.DefaultAccess != "include" && s.DefaultAccess != "exclude":
		return fmt.Errorf("DEFAULT_ACCESS is %q and must be include or exclude: whether an assignment without an app role counts", s.DefaultAccess)
	default:
		return nil
	}
}

// checkApp comes after checkGraph, which asks for the ClientID.
func (s *Settings) checkApp() error {
	asked := s.Entra.AppID == s.Entra.ClientID && s.Entra.AccessToken == ""
	if s.Scope != assigned || isGUID(s.Entra.AppID) || asked {
		return nil
	}
	return fmt.Errorf("ENTRA_APP_ID is %q and must be a GUID: copy the Application ID of the enterprise application to which people are assigned (Entra admin center, Enterprise applications, Properties), or set SCOPE=all", s.Entra.AppID)
}

// checkIntervals is also for the functions, whose lateness follows from them.
func (s *Settings) checkIntervals() error {
	return errors.Join(positive("RENEW_INTERVAL", s.RenewInterval, "1m"), positive("RECONCILE_INTERVAL", s.ReconcileInterval, "1m"))
}

// positive refuses a time that is none, or runs backwards.
func positive(name string, d time.Duration, example string) error {
	if d <= 0 {
		return fmt.Errorf("%s is %s and must be longer than nothing, such as %s", name, d, example)
	}
	return nil
}

func (s *Settings) checkAddresses() error {
	if !hasPort(s.ListenAddr) {
		return fmt.Errorf("LISTEN_ADDR is %q and must be an address with a port, such as 127.0.0.1:8080", s.ListenAddr)
	}
	if s.MetricsAddr != "" && !hasPort(s.MetricsAddr) {
		return fmt.Errorf("METRICS_ADDR is %q and must be an address with a port, such as 127.0.0.1:9464, or empty", s.MetricsAddr)
	}
	return nil
}

// HasConsole reports whether there is to be a console.
func (s *Settings) HasConsole() bool { return s.ConsoleAddr != "off" }

// hasPort reports whether it is an address to listen on.
func hasPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	const bits = 16
	_, err = strconv.ParseUint(port, 10, bits)
	return err == nil
}

// checkCompare refuses what would compare all the time: a comparison of 100,000
// people takes up to an hour.
func (s *Settings) checkCompare() error {
	if s.CompareInterval < time.Hour {
		return fmt.Errorf("COMPARE_INTERVAL is %s and must be 1h or longer, such as 24h", s.CompareInterval)
	}
	return nil
}

func (s *Settings) checkGroups() error {
	if s.GroupSoftDelete != "keep" && s.GroupSoftDelete != "delete" {
		return fmt.Errorf("GROUP_SOFT_DELETE is %q and must be keep or delete", s.GroupSoftDelete)
	}
	return nil
}

func (s *Settings) checkGuard() error {
	const percent = 100
	g := s.Guard
	switch {
	case g.Floor < 0:
		return fmt.Errorf("GUARD_FLOOR is %d and must be a number of objects, 0 or more", g.Floor)
	case g.Share < 0 || g.Share > percent:
		return fmt.Errorf("GUARD_SHARE is %d and must be percent, 0 to 100", g.Share)
	case g.GroupShare < 0 || g.GroupShare > percent:
		return fmt.Errorf("GUARD_GROUP_SHARE is %d and must be percent, 0 to 100", g.GroupShare)
	case s.ConfirmAfter < 0:
		return fmt.Errorf("DELETE_CONFIRM_AFTER is %s and must be a time, 0s or longer, such as 10m", s.ConfirmAfter)
	default:
		return positive("GUARD_WINDOW", g.Window, "60m")
	}
}

// checkMapping refuses a file for what runs on AWS: its functions share none.
func (s *Settings) checkMapping(part Part) error {
	alone := part == OneProcess || part == Planner && s.AWS == (AWS{})
	if s.MappingFile != "" && !alone {
		return errors.New("MAPPING_FILE is for one machine: on AWS leave it out, and build with another infra/provisioning.yaml")
	}
	return nil
}

func (s *Settings) checkTenant() error {
	const mend = "copy the Tenant ID from the Entra admin center, Overview"
	if s.Entra.TenantID == "" {
		return errors.New("ENTRA_TENANT_ID is empty: " + mend)
	}
	if !isGUID(s.Entra.TenantID) {
		return fmt.Errorf("ENTRA_TENANT_ID is %q and must be a GUID: %s", s.Entra.TenantID, mend)
	}
	switch s.Entra.Cloud {
	case "", "public", "usgov", "usgov-dod", "china":
		return nil
	default:
		return fmt.Errorf("ENTRA_CLOUD is %q and must be public, usgov, usgov-dod or china", s.Entra.Cloud)
	}
}

// checkCertificate returns what is wrong with a certificate and its key, and nothing of
// them.
func checkCertificate(text string) error {
	pair, err := tls.X509KeyPair([]byte(text), []byte(text))
	if err != nil {
		return errors.New("ENTRA_CLIENT_CERTIFICATE must be a certificate and its private key, both in PEM and the key without a password: cat cert.pem key.pem")
	}
	if _, isRSA := pair.PrivateKey.(*rsa.PrivateKey); !isRSA {
		return errors.New("ENTRA_CLIENT_CERTIFICATE has a key that is not RSA, and Entra takes no other: make a certificate with an RSA key")
	}
	return nil
}

func (s *Settings) checkGraph() error {
	e := s.Entra
	switch {
	case e.GraphURL != "" && !isLoopback(e.GraphURL):
		return fmt.Errorf("GRAPH_URL is %q and is for a loopback host only, such as http://127.0.0.1:9000; choose a national cloud with ENTRA_CLOUD", e.GraphURL)
	case e.AccessToken != "" && e.GraphURL == "":
		return errors.New("GRAPH_ACCESS_TOKEN is for a loopback GRAPH_URL only; give ENTRA_CLIENT_ID and ENTRA_CLIENT_SECRET")
	case e.AccessToken != "":
		return nil
	case e.ClientID == "":
		return errors.New("ENTRA_CLIENT_ID is empty: copy the Application (client) ID of the app registration that infra/register-app.sh makes")
	case !isGUID(e.ClientID): // which is not told: it may be the secret
		return fmt.Errorf("ENTRA_CLIENT_ID has %d characters and must be a GUID: copy the Application (client) ID of the app registration that infra/register-app.sh makes", utf8.RuneCountInString(e.ClientID))
	case e.Federation != "" && e.Federation != "aws":
		return fmt.Errorf("ENTRA_FEDERATION is %q and must be aws, or empty", e.Federation)
	case e.Federation != "":
		return nil
	case e.ClientCertificate != "":
		return checkCertificate(e.ClientCertificate)
	case e.ClientSecret == "":
		return errors.New("ENTRA_CLIENT_SECRET is empty: make a client secret for the app registration, or give ENTRA_CLIENT_CERTIFICATE, or ENTRA_FEDERATION")
	default:
		return checkDay("ENTRA_SECRET_EXPIRES", e.SecretExpires)
	}
}

func (s *Settings) checkWebex() error {
	resolved, warning, err := s.Webex.resolve()
	if err != nil {
		return err
	}
	if err := errors.Join(resolved.checkToken(), resolved.checkTokenExpires()); err != nil {
		return err
	}
	s.Webex = resolved
	if warning != "" {
		s.Warnings = append(s.Warnings, warning)
	}
	return nil
}

// checkTokenSecret is for the functions: in each process the tokens must be those that
// renew keeps.
func (s *Settings) checkTokenSecret() error {
	if !s.Webex.HasServiceApp() {
		return nil
	}
	return need("TOKEN_SECRET_ARN", s.AWS.TokenSecret, "the ARN of the secret in which renew keeps the tokens of a service app")
}

func (s *Settings) checkClientState() error {
	if s.Webhook.ClientState == "" {
		return errors.New("CLIENT_STATE is empty: set it to a long random text, for example the output of openssl rand -hex 32")
	}
	return errors.Join(checkLength("CLIENT_STATE", s.Webhook.ClientState), checkLength("CLIENT_STATE_PREVIOUS", s.Webhook.PreviousClientState))
}

// checkLength does not tell the value: it is a secret.
func checkLength(name, clientState string) error {
	const longest = 128 // characters; subscription resource, Microsoft Graph
	if n := utf8.RuneCountInString(clientState); n > longest {
		return fmt.Errorf("%s has %d characters and must have at most %d", name, n, longest)
	}
	return nil
}

func (s *Settings) checkWebhook() error {
	if s.Webhook.URL != "" && !isHTTPS(s.Webhook.URL) {
		return fmt.Errorf("WEBHOOK_URL is %q and must begin with https:// (http:// for a loopback host only): Graph delivers to nothing else", s.Webhook.URL)
	}
	return nil
}

func need(name, value, what string) error {
	if value == "" {
		return fmt.Errorf("%s is empty: it is %s", name, what)
	}
	return nil
}

func isGUID(s string) bool {
	const length = 36 // uuid.Validate takes other forms too
	return len(s) == length && uuid.Validate(s) == nil
}

// isHTTPS reports whether address is an absolute https URL, or an http one on
// a loopback host, and nothing but scheme, host and path.
func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || isLoopback(address)
}

func isLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && IsLoopback(u)
}

// IsLoopback reports whether an http or https URL stays on this machine: the one kind
// of host that may stand in for a cloud, and be sent its secrets. In the container of sam
// local invoke, which alone sets AWS_SAM_LOCAL, Docker has a name of its own for it.
func IsLoopback(u *url.URL) bool {
	host := u.Hostname()
	stays := host == "localhost" || net.ParseIP(host).IsLoopback() || host == "host.docker.internal" && os.Getenv("AWS_SAM_LOCAL") == "true"
	return stays && (u.Scheme == "http" || u.Scheme == "https")
}
