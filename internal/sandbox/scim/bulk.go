package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"entrawebex/internal/sandbox/simhttp"
)

// maxBulk is the most operations a Bulk holds: "an error is thrown if the
// limit is exceeded".
// https://developer.webex.com/docs/api/v1/bulk-manage-scim-2-users-and-groups
const maxBulk = 100

// maxBulkBytes is how long a Bulk may be. Webex documents no number: this is
// the maxPayloadSize in RFC 7643's example (section 8.5).
const maxBulkBytes = 1 << 20

const (
	bulkRequestSchema  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulkReference stands in front of a bulkId where an id would be (RFC 7644
// section 3.7.2).
const bulkReference = "bulkId:"

// bulkOperation is one operation of a Bulk.
type bulkOperation struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	BulkID string          `json:"bulkId"`
	Data   json.RawMessage `json:"data"`
}

// bulkResult is what came of one. Its status is a string, as has been seen.
type bulkResult struct {
	Location string          `json:"location,omitempty"`
	Method   string          `json:"method"`
	BulkID   string          `json:"bulkId,omitempty"`
	Version  string          `json:"version,omitempty"`
	Status   string          `json:"status"`
	Response json.RawMessage `json:"response,omitempty"`
}

// serveBulk answers POST /Bulk.
func (o *Organization) serveBulk(w http.ResponseWriter, r *http.Request, tracking string) {
	switch {
	case o.noBulk:
		writeRefusal(w, scimerrors.ScimError{Status: http.StatusNotImplemented, Detail: "Bulk is not supported."})
		return
	case r.Method != http.MethodPost:
		writeRefusal(w, methodNotAllowed(r.Method))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBulkBytes))
	if err != nil { // too large: no 413 is documented
		writeRefusal(w, scimerrors.ScimErrorInvalidSyntax)
		return
	}
	operations, failOnErrors, err := decodeBulk(body)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"schemas": []string{bulkResponseSchema}, "operations": o.bulk(r, operations, failOnErrors, tracking),
	})
}

// decodeBulk reads the operations of a Bulk and after how many errors it ends.
// The names are exact: RFC 7644's Operations, with a capital, are none.
func decodeBulk(body []byte) (operations []bulkOperation, failOnErrors int, err error) {
	var request map[string]json.RawMessage
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, 0, scimerrors.ScimErrorInvalidSyntax
	}
	var schemas []string
	if err := json.Unmarshal(request["schemas"], &schemas); err != nil || !slices.Contains(schemas, bulkRequestSchema) {
		return nil, 0, scimerrors.ScimErrorInvalidSyntax
	}
	failOnErrors = maxBulk // more cannot fail
	if given, ok := request["failOnErrors"]; ok {
		if err := json.Unmarshal(given, &failOnErrors); err != nil || failOnErrors < 1 || failOnErrors > maxBulk {
			return nil, 0, invalidValue(fmt.Sprintf("failOnErrors must be between 1 and %d.", maxBulk))
		}
	}
	if err := json.Unmarshal(request["operations"], &operations); err != nil {
		return nil, 0, scimerrors.ScimErrorInvalidSyntax
	}
	if n := len(operations); n == 0 || n > maxBulk {
		return nil, 0, invalidValue(fmt.Sprintf("The number of operations must be between 1 and %d.", maxBulk))
	}
	return operations, failOnErrors, nil
}

// bulk carries out the operations in their order, each by the handler that
// would answer it alone, until as many have failed as may. An operation that
// was not carried out has no answer.
func (o *Organization) bulk(outer *http.Request, operations []bulkOperation, failOnErrors int, tracking string) []bulkResult {
	results := make([]bulkResult, 0, len(operations))
	ids := map[string]string{} // of what was created, by bulkId
	seen := map[string]bool{}
	failed := 0
	for _, operation := range operations {
		answered := simhttp.NewRecorder()
		err := operation.check()
		if operation.BulkID != "" && seen[operation.BulkID] {
			err = invalidValue("A bulkId is unique within a request.")
		}
		seen[operation.BulkID] = true
		if err != nil {
			o.Calls.Add("Bulk refused")
			refusal := simhttp.NewRecorder()
			writeRefusal(refusal, err)
			o.write(answered, refusal, tracking)
		} else {
			o.route(answered, operation.in(outer, ids), "Bulk ", tracking)
		}
		result := operation.result(answered, o.base)
		results = append(results, result)
		if answered.Status >= http.StatusBadRequest {
			if failed++; failed == failOnErrors {
				break
			}
		} else if operation.Method == http.MethodPost {
			ids[operation.BulkID] = result.Location[strings.LastIndex(result.Location, "/")+1:]
		}
	}
	return results
}

// check refuses what no handler would be found for, or should not be.
func (b bulkOperation) check() error {
	endpoint := endpointOf(b.Path)
	switch b.Method {
	case http.MethodPost:
		if endpoint != "/Users" && endpoint != "/Groups" {
			return invalidValue("The path of a POST is /Users or /Groups.")
		}
		if b.BulkID == "" {
			return invalidValue("A POST needs a bulkId.")
		}
	case http.MethodPatch, http.MethodDelete:
		const parts = 3 // "", the endpoint and the id
		if path := strings.Split(b.Path, "/"); len(path) != parts || path[2] == "" || endpoint == "" {
			return invalidValue("The path of a " + b.Method + " is that of a resource.")
		}
	default:
		return invalidValue("The method of an operation is POST, PATCH or DELETE.")
	}
	if b.Method != http.MethodDelete && (b.Data == nil || string(b.Data) == "null") {
		return invalidValue("A " + b.Method + " needs data.")
	}
	return nil
}

// in makes an HTTP request of it.
func (b bulkOperation) in(outer *http.Request, ids map[string]string) *http.Request {
	inner := outer.Clone(outer.Context())
	inner.Method, inner.URL = b.Method, &url.URL{Path: b.Path}
	data := resolve(b.Data, ids)
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return inner
}

// resolve puts the ids of what was created into the place of the references
// to it. One to what was not, or not yet, stays, and is no id of anything. The
// data of an operation is an object, or the JSON of one as a string, as
// Webex's OpenAPI has it.
func resolve(data json.RawMessage, ids map[string]string) []byte {
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = json.RawMessage(text)
	}
	if !bytes.Contains(data, []byte(bulkReference)) {
		return data
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return data // the handler says what is wrong with it
	}
	resolved, err := json.Marshal(resolveValue(value, ids))
	if err != nil {
		return data
	}
	return resolved
}

func resolveValue(value any, ids map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = resolveValue(member, ids)
		}
	case []any:
		for i, element := range v {
			v[i] = resolveValue(element, ids)
		}
	case string:
		if bulkID, ok := strings.CutPrefix(v, bulkReference); ok && ids[bulkID] != "" {
			return ids[bulkID]
		}
	}
	return value
}

// result is the answer to it, as a Bulk has it: the location is there "except
// in the event of a POST failure" (RFC 7644 section 3.7.3).
func (b bulkOperation) result(answered *simhttp.Recorder, base string) bulkResult {
	result := bulkResult{
		Location: answered.Header().Get("Location"), Method: b.Method, BulkID: b.BulkID,
		Version: answered.Header().Get("ETag"), Status: strconv.Itoa(answered.Status),
	}
	if b.Method != http.MethodPost {
		result.Location = base + b.Path
	}
	if answered.Status >= http.StatusBadRequest {
		result.Response = json.RawMessage(answered.Body.Bytes())
	}
	return result
}
