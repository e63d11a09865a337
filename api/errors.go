package api

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-sync/tandem"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of every ErrorInfo that Tandem sends.
const Domain = "tandem"

// ReasonEtagMismatch is the reason of a write that was based on a row or link that changed since.
const ReasonEtagMismatch = "ETAG_MISMATCH"

// reasonCredentials is the reason of failures of the server's own Google credentials.
const reasonCredentials = "GOOGLE_CREDENTIALS"

// grpcCodes is the one place where our codes become gRPC's.
var grpcCodes = map[tandem.Code]codes.Code{
	tandem.CodeInternal:        codes.Internal,
	tandem.CodeInvalid:         codes.InvalidArgument,
	tandem.CodeNotFound:        codes.NotFound,
	tandem.CodeAlreadyExists:   codes.AlreadyExists,
	tandem.CodePrecondition:    codes.FailedPrecondition,
	tandem.CodeAborted:         codes.Aborted,
	tandem.CodePermission:      codes.PermissionDenied,
	tandem.CodeUnauthenticated: codes.Unauthenticated,
	tandem.CodeExhausted:       codes.ResourceExhausted,
	tandem.CodeUnavailable:     codes.Unavailable,
	tandem.CodeUnimplemented:   codes.Unimplemented,
	tandem.CodeCancelled:       codes.Canceled,
	tandem.CodeOutOfRange:      codes.OutOfRange,
}

// Status translates an error of a service to what callers may see. Errors that nobody foresaw become INTERNAL without
// their text, which may name tables and values: whoever calls Status logs the error itself.
func Status(err error) *status.Status {
	if err == nil {
		return nil
	}
	var ready interface{ GRPCStatus() *status.Status }
	var known *tandem.Error
	switch {
	case errors.As(err, &ready):
		return ready.GRPCStatus()
	case errors.As(err, &known):
		return statusOf(known)
	case errors.Is(err, context.Canceled):
		return detailed(codes.Canceled, "the call was cancelled", &errdetails.ErrorInfo{Reason: "CANCELLED", Domain: Domain})
	case errors.Is(err, context.DeadlineExceeded):
		return detailed(codes.DeadlineExceeded, "the call took longer than its deadline allows; a write may have been made all the same, "+
			"which its repetition with the same request_id tells", &errdetails.ErrorInfo{Reason: "DEADLINE_EXCEEDED", Domain: Domain},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(soon)})
	case errors.Is(err, tandem.ErrFenced):
		return detailed(codes.Aborted, "another process took over meanwhile; try again", &errdetails.ErrorInfo{Reason: "TAKEN_OVER", Domain: Domain},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(soon)})
	}
	return internal()
}

func internal() *status.Status {
	return detailed(codes.Internal, "something went wrong inside the server; its log says what", &errdetails.ErrorInfo{Reason: "INTERNAL", Domain: Domain})
}

func detailed(code codes.Code, message string, details ...protoadapt.MessageV1) *status.Status {
	st := status.New(code, message)
	if with, err := st.WithDetails(details...); err == nil {
		return with
	}
	return st
}

// statusOf translates err, with extra details.
func statusOf(err *tandem.Error, extra ...protoadapt.MessageV1) *status.Status {
	if err.Code == tandem.CodeInternal {
		return internal()
	}
	code, known := grpcCodes[err.Code]
	if !known {
		return internal()
	}
	if err.Code == tandem.CodeUnauthenticated && err.Reason == reasonCredentials {
		code = codes.FailedPrecondition // it is the server that Google does not know; the caller's own token is good
	}
	var details []protoadapt.MessageV1
	if err.Reason != "" {
		details = append(details, &errdetails.ErrorInfo{Reason: err.Reason, Domain: Domain})
	}
	if len(err.Fields) > 0 {
		bad := &errdetails.BadRequest{}
		for _, f := range err.Fields {
			bad.FieldViolations = append(bad.FieldViolations,
				&errdetails.BadRequest_FieldViolation{Field: f.Field, Description: f.Description})
		}
		details = append(details, bad)
	}
	if after := retryAfter(code, err.RetryAfter); after > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	}
	// Error names the wrong fields too, so that the text alone is enough for a person.
	return detailed(code, err.Error(), append(details, extra...)...)
}

// soon is when to try again what will pass by itself, where nothing better is known.
const soon = time.Second

// retryAfter says when to try again; 0 when that is of no use.
func retryAfter(code codes.Code, known time.Duration) time.Duration {
	if known == 0 && (code == codes.Unavailable || code == codes.ResourceExhausted) {
		return soon
	}
	return known
}

// violations collects everything that is wrong with a request, so that a caller learns it at once.
type violations []tandem.FieldViolation

func (v *violations) add(field, format string, args ...any) {
	var one *tandem.Error = tandem.InvalidField(field, format, args...)
	*v = append(*v, one.Fields...)
}

// problem returns what was collected as one error, nil when there is nothing.
func (v violations) problem() *tandem.Error {
	if len(v) == 0 {
		return nil
	}
	return &tandem.Error{Code: tandem.CodeInvalid, Reason: "INVALID_FIELD", Message: "the request is not valid", Fields: v}
}

// err is problem as an error, for callers that return one.
func (v violations) err() error {
	if problem := v.problem(); problem != nil {
		return problem
	}
	return nil
}
