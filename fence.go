package tandem

import "context"

type fenceKey struct{}

// WithFence has every write to a spreadsheet under ctx ask check first, just before it is sent. A process that was held up
// (by a debugger, a full machine, a laptop's lid) may have lost its lease to another one, which may be at work already.
func WithFence(ctx context.Context, check func(context.Context) error) context.Context {
	return context.WithValue(ctx, fenceKey{}, check)
}

// CheckFence fails when the right to write that ctx carries is lost; without one it passes.
func CheckFence(ctx context.Context) error {
	if check, ok := ctx.Value(fenceKey{}).(func(context.Context) error); ok {
		return check(ctx)
	}
	return nil
}
