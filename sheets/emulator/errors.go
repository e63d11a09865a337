package emulator

import (
	"fmt"
	"net/http"
)

// apiError is an answer other than success, in the shape Google gives it. Drive's differ from Sheets': they
// carry errors[] and no status.
type apiError struct {
	code    int
	status  string
	message string
	details []any
	drive   object // the one entry of errors[], for Drive
}

func (e *apiError) Error() string { return e.message }

func (e *apiError) document() object {
	body := object{"code": e.code, "message": e.message}
	if e.status != "" {
		body["status"] = e.status
	}
	if e.details != nil {
		body["details"] = e.details
	}
	if e.drive != nil {
		body["errors"] = []any{e.drive}
	}
	return object{"error": body}
}

func invalid(format string, args ...any) *apiError {
	return &apiError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: fmt.Sprintf(format, args...)}
}

// invalidFields is a refusal that points at fields, as Google's JSON and mask parsers answer.
func invalidFields(message string, violations ...any) *apiError {
	e := invalid("%s", message)
	e.details = []any{object{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}}
	return e
}

func violation(field, description string) object {
	v := object{"description": description}
	if field != "" {
		v["field"] = field
	}
	return v
}

func notFound() *apiError {
	return &apiError{code: http.StatusNotFound, status: "NOT_FOUND", message: "Requested entity was not found."}
}

// unsupported is the promise of this package: what it cannot do is refused by name, never silently accepted.
func unsupported(format string, args ...any) *apiError {
	return &apiError{code: http.StatusNotImplemented, status: "UNIMPLEMENTED",
		message: fmt.Sprintf(format, args...) + " is not supported by the emulator."}
}

func driveError(code int, reason, location, format string, args ...any) *apiError {
	message := fmt.Sprintf(format, args...)
	entry := object{"message": message, "domain": "global", "reason": reason}
	if location != "" {
		entry["location"], entry["locationType"] = location, "parameter"
	}
	return &apiError{code: code, message: message, drive: entry}
}

func fileNotFound(id string) *apiError {
	return driveError(http.StatusNotFound, "notFound", "fileId", "File not found: %s.", id)
}

// prefixed puts where a request stands before its message, as batch calls do.
func prefixed(err error, format string, args ...any) error {
	e, ok := err.(*apiError)
	if !ok {
		return err
	}
	if e.code != http.StatusBadRequest {
		return e
	}
	copied := *e
	copied.message = fmt.Sprintf(format, args...) + e.message
	return &copied
}
