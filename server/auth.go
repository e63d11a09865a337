package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"google.golang.org/grpc/metadata"
)

// A token that was revoked is refused by every process within 5 s: what was looked up holds for knownFor, and streams are
// looked at every streamsEvery. The rest is for the look-up itself.
const (
	knownFor     = 3 * time.Second
	streamsEvery = time.Second
)

// usedEvery is how often it is noted which tokens were used. Calls do not wait for it.
const usedEvery = 2 * time.Minute

// auth tells who calls, and how much they may call: over gRPC, over REST, and for the pages beside it.
type auth struct {
	off     bool // everybody may do everything
	tokens  *knownTokens
	streams *streams
	rate    float64 // calls a second of each token; 0 is any number
	now     func() time.Time
	log     *slog.Logger
}

func newAuth(config *Config, tokens tokenStore, now func() time.Time, log *slog.Logger) *auth {
	return &auth{off: config.Auth == AuthNone, tokens: newKnownTokens(tokens, now), streams: newStreams(config.MaxStreamsPerToken, config.MaxStreams),
		rate: float64(config.RequestsPerSecond), now: now, log: log}
}

// Reasons of a call that is refused for its token.
const (
	reasonNoToken      = "TOKEN_MISSING"
	reasonBadToken     = "TOKEN_NOT_VALID"
	reasonExpiredToken = "TOKEN_EXPIRED"
	reasonRate         = "TOO_MANY_REQUESTS"
)

var (
	errNoToken = tandem.Errorf(tandem.CodeUnauthenticated, reasonNoToken,
		"this call needs a token: send it as the header \"Authorization: Bearer TOKEN\"; tandem token create makes one")
	// What is malformed, never was, was revoked, or has a wrong secret: callers learn no more than this.
	errBadToken = tandem.Errorf(tandem.CodeUnauthenticated, reasonBadToken,
		"the token is not one that this server knows: it is misspelt, was revoked, or is of another server; tandem token create makes one")
)

// identify returns the token that the values of a call's Authorization header are the secret of. It is the only way to become
// a caller.
func (a *auth) identify(ctx context.Context, headers []string) (*knownToken, error) {
	id, secret, err := secretOf(headers)
	if err != nil {
		return nil, err
	}
	known, err := a.tokens.find(ctx, id)
	if errors.Is(err, tandem.ErrNotFound) {
		return nil, errBadToken
	}
	if err != nil {
		return nil, err
	}
	given := tandem.TokenHash(secret)
	if subtle.ConstantTimeCompare(given[:], known.hash[:]) != 1 {
		return nil, errBadToken
	}
	if known.expired(a.now()) {
		return nil, tandem.Errorf(tandem.CodeUnauthenticated, reasonExpiredToken, "the token expired at %s; tandem token create makes another",
			known.token.Expires.Format(time.RFC3339))
	}
	return known, nil
}

// secretOf returns the secret in the values of an Authorization header, when it is spelled as secrets are, and the id of the
// token that it may be of.
func secretOf(headers []string) (id, secret string, err error) {
	if len(headers) == 0 {
		return "", "", errNoToken
	}
	scheme, secret, _ := strings.Cut(headers[0], " ")
	secret = strings.TrimSpace(secret)
	id, ok := tandem.ReadTokenSecret(secret)
	if !ok || len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", "", errBadToken
	}
	return id, secret, nil
}

// admission is a call that was let in.
type admission struct {
	caller tandem.Caller
	leave  func() // to be called when the call ends
}

// admit lets a call in, or says why not. A call that stays, as streams do, ends when its token does: then end is called.
func (a *auth) admit(ctx context.Context, method string, end func(error), stays bool) (admission, error) {
	let := admission{caller: tandem.Everybody, leave: func() {}}
	switch {
	case a.off:
	case api.Open(method):
		let.caller = tandem.Caller{} // who may nothing else
	default:
		headers, _ := metadata.FromIncomingContext(ctx)
		known, err := a.identify(ctx, headers.Get("authorization"))
		if err != nil {
			return let, err
		}
		let.caller = known.caller()
		if ctx.Value(takenKey{}) == nil {
			if err := a.take(known); err != nil {
				return let, err
			}
		}
		a.tokens.use(known.token.ID)
	}
	if err := api.Allow(let.caller, method); err != nil {
		return let, err
	}
	if !stays {
		return let, nil
	}
	leave, err := a.streams.enter(let.caller.Token, a.off, end)
	if err == nil {
		let.leave = leave
	}
	return let, err
}

// takenKey marks calls that were taken from what their token has left before they were read.
type takenKey struct{}

// take takes one call from what a token has left.
func (a *auth) take(known *knownToken) error {
	if a.rate <= 0 {
		return nil
	}
	wait := known.bucket.take(a.now(), a.rate)
	if wait == 0 {
		return nil
	}
	err := tandem.Errorf(tandem.CodeExhausted, reasonRate, "the token %q makes more than %g calls a second; slow down, or send many rows with one call of rows:mutate",
		known.token.Name, a.rate)
	err.RetryAfter = wait
	return err
}

// run ends the streams of tokens that are gone, and notes which tokens were used, until ctx ends.
func (a *auth) run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { a.sweep(ctx) })
	used, prune := time.NewTicker(usedEvery), time.NewTicker(pruneEvery)
	defer used.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			a.noteUsed(last)
			return
		case <-used.C:
			a.noteUsed(ctx)
		case <-prune.C:
			if err := a.tokens.store.PruneTokens(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("expired tokens not removed", "error", err)
			}
		}
	}
}

func (a *auth) noteUsed(ctx context.Context) {
	ids := a.tokens.takeUsed()
	if len(ids) == 0 {
		return
	}
	if err := a.tokens.store.TokensUsed(ctx, ids); err != nil && ctx.Err() == nil {
		a.log.Warn("use of tokens not noted", "error", err)
	}
}

// sweep looks again and again at the tokens that have streams open. As long as the database does not answer, streams stay:
// nothing new comes through them either, and all clients would come back at once.
func (a *auth) sweep(ctx context.Context) {
	ticker := time.NewTicker(streamsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-a.tokens.changed:
		}
		for _, id := range a.streams.tokens() {
			known, err := a.tokens.find(ctx, id)
			switch {
			case errors.Is(err, tandem.ErrNotFound):
				a.streams.end(id, errBadToken)
			case err == nil && known.expired(a.now()):
				a.streams.end(id, tandem.Errorf(tandem.CodeUnauthenticated, reasonExpiredToken, "the token has expired; tandem token create makes another"))
			}
		}
	}
}
