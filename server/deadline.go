package server

import (
	"context"
	"errors"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem"
	"google.golang.org/grpc/status"
)

// longestCall is how long a person waits for an answer at most, whatever deadline the call came with. What was asked for by
// then is not lost: a write to the sheet is in the journal.
const longestCall = 60 * time.Second

// errStopping is why calls end that are still under way when the process stops.
var errStopping error = &tandem.Error{Code: tandem.CodeUnavailable, Reason: "SERVER_STOPPING", Message: "this server stops; try again, at another one or when it is back",
	RetryAfter: time.Second}

// limit ends a call that takes too long, and one that is still under way when the process stops. Waiting for an operation is
// meant to take long, and limited by its own timeout.
func (i *interceptors) limit(ctx context.Context, method string) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(ctx)
	forget := context.AfterFunc(i.calls, func() { stop(errStopping) })
	end := func() {}
	if method != longrunningpb.Operations_WaitOperation_FullMethodName {
		ctx, end = context.WithTimeout(ctx, longestCall)
	}
	return ctx, func() {
		end()
		forget()
		stop(nil)
	}
}

// outOfTime returns why a call failed whose time was up. The failure itself is then of how far the call had come, such as a
// transaction that could not go on, and would be taken for one of the server's own.
func outOfTime(ctx context.Context, err error) error {
	var known *tandem.Error
	var ready interface{ GRPCStatus() *status.Status }
	if err == nil || ctx.Err() == nil || errors.As(err, &known) && known.Code != tandem.CodeInternal || errors.As(err, &ready) {
		return err
	}
	return context.Cause(ctx)
}
