package tandem

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of failure an Error is; api/errors.go maps each to one gRPC code.
type Code uint8

// The codes, named as gRPC names them.
const (
	CodeInternal Code = iota
	CodeInvalid
	CodeNotFound
	CodeAlreadyExists
	CodePrecondition
	CodeAborted
	CodePermission
	CodeUnauthenticated
	CodeExhausted
	CodeUnavailable
	CodeUnimplemented
	CodeCancelled
	CodeOutOfRange
)

// Error is a failure that the caller can do something about. Message says what happened, to which row and column, and
// what to do, in words for people.
type Error struct {
	Code       Code
	Reason     string // UPPER_SNAKE_CASE, for programs
	Message    string
	Fields     []FieldViolation
	RetryAfter time.Duration
	Row        *Row // the row as it is now, where a write was refused because it moved
}

// FieldViolation names one field of a request and what is wrong with it.
type FieldViolation struct {
	Field       string // as in the request: "row.values.score"
	Description string
}

// Error returns the message and the fields that are wrong.
func (e *Error) Error() string {
	text := e.Message
	for _, field := range e.Fields {
		if field.Field == "" { // it is about the whole request
			text += "; " + field.Description
			continue
		}
		text += fmt.Sprintf("; %s: %s", field.Field, field.Description)
	}
	return text
}

// Is makes the sentinels below match every Error of their code, or of their reason where they have one.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Message == "" && e.Code == other.Code && (other.Reason == "" || e.Reason == other.Reason)
}

// Sentinels for errors.Is.
var (
	ErrNotFound      error = &Error{Code: CodeNotFound}
	ErrAlreadyExists error = &Error{Code: CodeAlreadyExists}
	ErrInvalid       error = &Error{Code: CodeInvalid}
	ErrUnavailable   error = &Error{Code: CodeUnavailable}
	ErrEtagMismatch  error = &Error{Code: CodeAborted, Reason: "ETAG_MISMATCH"}
)

// ErrFenced means that another process took over the lease: nothing was committed, and whoever sees it stops at once.
var ErrFenced = errors.New("lease lost to another process")

// Errorf returns an Error with a formatted message.
func Errorf(code Code, reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// InvalidField returns an Error that names one wrong field.
func InvalidField(field, format string, args ...any) *Error {
	description := fmt.Sprintf(format, args...)
	return &Error{Code: CodeInvalid, Reason: "INVALID_FIELD", Message: "the request is not valid",
		Fields: []FieldViolation{{Field: field, Description: description}}}
}
