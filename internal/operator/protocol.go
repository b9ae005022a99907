package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"entrawebex/internal/mapping"
	"entrawebex/internal/sweep"
)

// A method is a path. It takes one JSON value, or with GET nothing, and answers with
// another, or with an Error. One that takes long answers with lines of JSON
// (application/x-ndjson), a frame each, of which the last has End.
const (
	pathStatus      = "/status"
	pathPipeline    = "/pipeline"
	pathHolds       = "/holds"
	pathApprove     = "/holds/approve"
	pathReject      = "/holds/reject"
	pathGuard       = "/guard"
	pathClearGuard  = "/guard/clear"
	pathDeadLetters = "/dead-letters"
	pathReplay      = "/replay"
	pathHistory     = "/history"
	pathShow        = "/show"
	pathSearch      = "/search"
	pathPause       = "/pause"
	pathResume      = "/resume"
	pathReconcile   = "/reconcile"
	pathPlan        = "/plan"
	pathProvision   = "/provision"
	pathUninstall   = "/uninstall"
	pathMigration   = "/migration"
	pathMigrate     = "/migration/begin"

	pathEnvironment    = "/environment"
	pathConfiguration  = "/configuration"
	pathConfigurations = "/configurations"
	pathApply          = "/configuration/apply"
	pathTestMapping    = "/mapping/test"
)

// A client that is configured for a tenant and an organization says which, and is
// refused by a process that serves others. It says who gives the command, too.
const (
	headerTenant       = "Entrawebex-Tenant"
	headerOrganization = "Entrawebex-Organization"
	headerOperator     = "Entrawebex-Operator"
)

// longestActor is how many characters of who gives a command are told.
const longestActor = 200

const (
	typeJSON   = "application/json"
	typeStream = "application/x-ndjson"
)

// MaxRequest is how many bytes of JSON a request has at most: a configuration, or some
// 12,000 object ids.
const MaxRequest = 2 * mapping.MaxFile

var errTooLong = invalid(fmt.Errorf("the arguments are longer than the %d KiB that a run takes: name fewer objects at a time", MaxRequest>>10))

// frame is one line of a stream.
type frame struct {
	Progress *progress      `json:"progress,omitempty"`
	Account  *sweep.Account `json:"account,omitempty"`
	// End says that this is the last, with the Result and what went wrong, if
	// anything did.
	End    bool            `json:"end,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
}

// progress is how many of how many are done; of 0 is of nobody knows how many.
type progress struct {
	Phase string `json:"phase,omitempty"`
	Done  int    `json:"done"`
	Of    int    `json:"of"`
}

// status is the status code by which an error is answered.
func (e *Error) status() int {
	switch e.Kind {
	case Invalid, Unknown:
		return http.StatusBadRequest
	case Refused:
		return http.StatusConflict
	case Failed:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// decodeError is the error that an answer tells.
func decodeError(status string, body []byte) error {
	var told Error
	if err := json.Unmarshal(body, &told); err != nil || told.Message == "" {
		return fmt.Errorf("entrawebex run answers %s, and not what is wrong", status)
	}
	// What one version asks it knows.
	if told.Kind == Unknown {
		told.Message = "the entrawebex run that has this data is of another version than this command: restart it with this version (" + told.Message + ")"
	}
	return &told
}

// errEndedEarly is what an answer that was cut off is told as.
var errEndedEarly = errors.New("entrawebex run ended before the command did")
