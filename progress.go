package tandem

import "context"

type readingKey struct{}

// WithReading has long reads under ctx tell now and then how many rows they have read so far, for those who wait. An error
// that told returns ends the read.
func WithReading(ctx context.Context, told func(rows int) error) context.Context {
	return context.WithValue(ctx, readingKey{}, told)
}

// Reading tells how many rows were read so far, to whoever wants to know.
func Reading(ctx context.Context, rows int) error {
	if told, ok := ctx.Value(readingKey{}).(func(int) error); ok {
		return told(rows)
	}
	return nil
}
