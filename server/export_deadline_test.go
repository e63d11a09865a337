package server

import "context"

// Limit is what becomes of the context of a call.
func Limit(ctx context.Context, method string) (context.Context, func()) {
	return (&interceptors{calls: context.Background()}).limit(ctx, method)
}

// OutOfTime is what becomes of the error of a call.
var OutOfTime = outOfTime
