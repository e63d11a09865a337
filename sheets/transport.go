package sheets

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tandem-sync/tandem"
)

const (
	// What Google allows one user of a project, and all of them together, for reads and for writes alike.
	googlePerUser    = 60
	googlePerProject = 300

	tries        = 6
	firstPause   = time.Second
	longestPause = 32 * time.Second
	longestAsked = 5 * time.Minute   // of the pauses that Google asks for
	longestCall  = 190 * time.Second // Google itself gives up on a request after 180 s
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
	base     http.RoundTripper
	opt      *Options
	timeout  time.Duration // of one try
	calls    *counter
	governor *governor
}

// RoundTrip waits for the budget, makes the call, and repeats it with growing, jittered pauses. Each try waits for its own
// turn and counts by itself.
func (r *retrier) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	method, write, drive := methodOf(request)
	for try := 1; ; try++ {
		response, err := r.try(request, Call{Method: method, Write: write}, drive)
		if try == tries || ctx.Err() != nil || isOutOfBudget(err) || !repeatable(request, response, err, !write) {
			return response, err
		}
		wait := pauseAfter(response, try, r.opt.Now())
		if deadline, limited := ctx.Deadline(); limited && r.opt.Now().Add(wait).After(deadline) {
			return response, err
		}
		status := 0
		if response != nil {
			status = response.StatusCode
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
			_ = response.Body.Close()
		}
		r.opt.Logger.Info("google call repeated", "status", status, "error", err, "try", try, "wait", wait)
		if err := r.opt.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// try waits for the call's turn and makes it. Drive has a quota of its own, which is far away.
func (r *retrier) try(request *http.Request, call Call, drive bool) (*http.Response, error) {
	ctx := request.Context()
	queue := r.governor.queue(call.Write)
	if !drive {
		link, _ := tandem.WorkOf(ctx)
		defer r.governor.pace.calling(link, call.Write, request.ContentLength, r.opt.Now)()
		ended, err := queue.take(ctx)
		if err != nil {
			return nil, err
		}
		defer ended()
	}
	if call.Write && !drive {
		if err := tandem.CheckFence(ctx); err != nil {
			return nil, err
		}
	}
	if !drive {
		r.calls.add(!call.Write)
		if own, ok := ctx.Value(counterKey{}).(*counter); ok {
			own.add(!call.Write)
		}
	}
	began := r.opt.Now()
	response, err := r.once(request)
	call.Duration = r.opt.Now().Sub(began)
	if response != nil {
		call.Status = response.StatusCode
	}
	if !drive {
		r.governor.made(call)
		if call.Status == http.StatusTooManyRequests {
			queue.refused(ctx)
		}
	}
	if r.opt.OnCall != nil {
		r.opt.OnCall(ctx, call)
	}
	return response, err
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

// pauseAfter is how long to wait before the next try: as long as Google asked for, if it did.
func pauseAfter(response *http.Response, try int, now time.Time) time.Duration {
	wait := pause(try)
	if response == nil {
		return wait
	}
	after := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil {
		wait = max(wait, min(time.Duration(seconds)*time.Second, longestAsked))
	} else if at, err := http.ParseTime(after); err == nil {
		wait = max(wait, min(at.Sub(now), longestAsked))
	}
	return wait
}

func pause(try int) time.Duration {
	limit := min(firstPause<<(try-1), longestPause)
	return limit/2 + rand.N(limit)
}
