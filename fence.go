package tandem

import "context"

type (
	fenceKey  struct{}
	recordKey struct{}
)

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

// WithRecord has a write that must do more than its batch says (put back what landed astray) tell store first: batch is from
// then on what has to be settled in place of the one that was stored before.
func WithRecord(ctx context.Context, store func(ctx context.Context, batch []byte) error) context.Context {
	return context.WithValue(ctx, recordKey{}, store)
}

// Record stores batch as WithRecord said; without that it passes.
func Record(ctx context.Context, batch []byte) error {
	if store, ok := ctx.Value(recordKey{}).(func(context.Context, []byte) error); ok {
		return store(ctx, batch)
	}
	return nil
}
