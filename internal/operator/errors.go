package operator

import "errors"

// Kind says whose an error is.
type Kind string

const (
	// Invalid is a request that asks for what there is not.
	Invalid Kind = "invalid"
	// Unknown is a request that only another version of the program may understand.
	Unknown Kind = "unknown"
	// Refused is what is not done for this ledger: it is another tenant's.
	Refused Kind = "refused"
	// Failed is what could not be done.
	Failed Kind = "failed"
)

// Error is an error as it is told to an operator, and its JSON: one sentence.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"error"`
	// several says that a name is that of more than one.
	several bool
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

func invalid(err error) error { return &Error{Kind: Invalid, Message: err.Error()} }

// asError is the error as it is told; nil if there is none.
func asError(err error) *Error {
	if err == nil {
		return nil
	}
	if told, ok := errors.AsType[*Error](err); ok {
		return told
	}
	return &Error{Kind: Failed, Message: err.Error()}
}
