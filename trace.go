package tandem

import "context"

// Tracer follows work step by step, for people who look where time goes. It never changes what is done.
type Tracer interface {
	// Begin begins a step of what ctx is part of; end ends it. Causes name the steps, of other processes perhaps, that asked
	// for this one, as Here named them.
	Begin(ctx context.Context, name string, causes []string) (inner context.Context, end func(error))
	// Here names the step that ctx is in, as a W3C traceparent; "" when it is not followed.
	Here(ctx context.Context) string
}

type tracerKey struct{}

type causesKey struct{}

// WithTracer has the work under ctx followed.
func WithTracer(ctx context.Context, tracer Tracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, tracer)
}

// WithCauses says which recorded steps asked for the work under ctx. Such work is done for many callers at once, so it has
// causes rather than a parent.
func WithCauses(ctx context.Context, causes []string) context.Context {
	if len(causes) == 0 {
		return ctx
	}
	return context.WithValue(ctx, causesKey{}, causes)
}

// CausesOf returns what WithCauses said.
func CausesOf(ctx context.Context) []string {
	causes, _ := ctx.Value(causesKey{}).([]string)
	return causes
}

// Step begins a step of the work under ctx, which end ends. Without a tracer in ctx it does nothing.
func Step(ctx context.Context, name string) (inner context.Context, end func(error)) {
	tracer, ok := ctx.Value(tracerKey{}).(Tracer)
	if !ok {
		return ctx, func(error) {}
	}
	return tracer.Begin(ctx, name, CausesOf(ctx))
}

// Here names the step that ctx is in, to be kept with a record from which the work goes on later; "" when it is not
// followed.
func Here(ctx context.Context) string {
	if tracer, ok := ctx.Value(tracerKey{}).(Tracer); ok {
		return tracer.Here(ctx)
	}
	return ""
}
