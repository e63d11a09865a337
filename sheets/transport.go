package sheets

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem"
)

const (
	// googlePerMinute is what Google allows one user of a project, for reads and for writes.
	googlePerMinute = 60
	tries           = 6
	firstPause      = time.Second
	longestPause    = 32 * time.Second
	longestCall     = 190 * time.Second // Google itself gives up on a request after 180 s
)

// counter counts calls.
type counter struct{ read, write atomic.Int64 }

func (c *counter) add(reading bool) {
	if reading {
		c.read.Add(1)
	} else {
		c.write.Add(1)
	}
}

type counterKey struct{}

// counting makes the calls under ctx count for c too.
func counting(ctx context.Context, c *counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

// retrier repeats what may be repeated. Google's client repeats nothing by itself.
//
// Reads are repeated after 429, 5xx and broken connections. Writes only after 429, which means "not applied": after
// anything else the write may have taken effect, and a repetition would do it twice.
type retrier struct {
	base          http.RoundTripper
	opt           *Options
	timeout       time.Duration // of one try
	calls         *counter
	reads, writes *budget
}

// RoundTrip waits for the budget, makes the call, and repeats it with growing, jittered pauses.
func (r *retrier) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, reading := request.Context(), request.Method == http.MethodGet
	budget := r.writes
	if reading {
		budget = r.reads
	}
	for try := 1; ; try++ {
		if err := budget.take(ctx); err != nil {
			return nil, err
		}
		if !reading {
			if err := tandem.CheckFence(ctx); err != nil {
				return nil, err
			}
		}
		r.calls.add(reading)
		if own, ok := ctx.Value(counterKey{}).(*counter); ok {
			own.add(reading)
		}
		response, err := r.once(request)
		if try == tries || ctx.Err() != nil || !repeatable(request, response, err, reading) {
			return response, err
		}
		status := 0
		if response != nil {
			status = response.StatusCode
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
			_ = response.Body.Close()
		}
		wait := pause(try)
		r.opt.Logger.Info("google call repeated", "status", status, "error", err, "try", try, "wait", wait)
		if err := r.opt.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// once makes one try, which ends when its answer is read or after the timeout.
func (r *retrier) once(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), r.timeout)
	attempt := request.Clone(ctx)
	if request.Body != nil && request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			cancel()
			return nil, err
		}
		attempt.Body = body
	}
	response, err := r.base.RoundTrip(attempt)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &timedBody{response.Body, cancel}
	return response, nil
}

// timedBody ends its try's timeout when it is closed.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

func repeatable(request *http.Request, response *http.Response, err error, reading bool) bool {
	if request.Body != nil && request.GetBody == nil {
		return false
	}
	if err != nil {
		return reading
	}
	return response.StatusCode == http.StatusTooManyRequests || reading && response.StatusCode >= 500
}

func pause(try int) time.Duration {
	limit := min(firstPause<<(try-1), longestPause)
	return limit/2 + rand.N(limit)
}

// budget keeps calls under a limit a minute, so that Google's own refusals stay rare.
type budget struct {
	opt   *Options
	limit int

	mu    sync.Mutex
	taken []time.Time // of the last minute, oldest first
}

func newBudget(opt *Options, limit int) *budget { return &budget{opt: opt, limit: limit} }

// take waits until a call fits.
func (b *budget) take(ctx context.Context) error {
	if b.limit <= 0 {
		return ctx.Err()
	}
	for {
		wait := b.try()
		if wait <= 0 {
			return ctx.Err()
		}
		if err := b.opt.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// try takes a place, or returns how long to wait for one.
func (b *budget) try() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opt.Now()
	for len(b.taken) > 0 && now.Sub(b.taken[0]) >= time.Minute {
		b.taken = b.taken[1:]
	}
	if len(b.taken) < b.limit {
		b.taken = append(b.taken, now)
		return 0
	}
	return b.taken[0].Add(time.Minute).Sub(now)
}
