package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
)

// Bounds of what is remembered and asked. Look-ups beyond maxLookUps wait, so that made-up tokens, which each cost one by
// primary key, never take the database's connections from calls that have business there.
const (
	maxKnown   = 10_000
	maxLookUps = 8
)

// tokenStore is where tokens are.
type tokenStore interface {
	KnownToken(ctx context.Context, id string) (tandem.Token, [32]byte, error)
	TokensUsed(ctx context.Context, ids []string) error
	PruneTokens(ctx context.Context) error
}

// knownToken is a token as it was when it was last looked up.
type knownToken struct {
	token    tandem.Token
	hash     [32]byte
	lookedUp time.Time
	bucket   *bucket // of the token, however often it is looked up
}

func (k *knownToken) expired(now time.Time) bool {
	return !k.token.Expires.IsZero() && !now.Before(k.token.Expires)
}

func (k *knownToken) caller() tandem.Caller {
	return tandem.Caller{Token: k.token.ID, Name: k.token.Name, Role: k.token.Role, Links: k.token.Links}
}

// knownTokens remembers tokens for a few seconds. Only those that exist are remembered, so that made-up ones push out nothing.
type knownTokens struct {
	store   tokenStore
	now     func() time.Time
	lookUps chan struct{}
	changed chan struct{} // a token was revoked by this process

	mu      sync.Mutex
	known   map[string]*knownToken
	used    map[string]bool // since takeUsed
	revoked uint64          // how many were
}

func newKnownTokens(store tokenStore, now func() time.Time) *knownTokens {
	return &knownTokens{store: store, now: now, lookUps: make(chan struct{}, maxLookUps), changed: make(chan struct{}, 1),
		known: map[string]*knownToken{}, used: map[string]bool{}}
}

// find returns a token, which may have been looked up up to knownFor ago.
func (t *knownTokens) find(ctx context.Context, id string) (*knownToken, error) {
	if known := t.recent(id); known != nil {
		return known, nil
	}
	select {
	case t.lookUps <- struct{}{}:
		defer func() { <-t.lookUps }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if known := t.recent(id); known != nil { // somebody else has asked meanwhile
		return known, nil
	}
	t.mu.Lock()
	revoked := t.revoked
	t.mu.Unlock()
	asked := t.now() // before the answer was true
	token, hash, err := t.store.KnownToken(ctx, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if old := t.known[id]; old != nil && errors.Is(err, tandem.ErrNotFound) {
			delete(t.known, id)
		}
		return nil, err
	}
	known := &knownToken{token: token, hash: hash, lookedUp: asked, bucket: &bucket{}}
	if old := t.known[id]; old != nil {
		known.bucket = old.bucket
	}
	if t.revoked == revoked { // else it may have been this one, after it was read
		t.remember(known)
	}
	return known, nil
}

func (t *knownTokens) recent(id string) *knownToken {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.known[id]; known != nil && t.now().Sub(known.lookedUp) < knownFor {
		return known
	}
	return nil
}

func (t *knownTokens) remember(known *knownToken) {
	if len(t.known) >= maxKnown && t.known[known.token.ID] == nil {
		for id := range t.known { // any will do
			delete(t.known, id)
			break
		}
	}
	t.known[known.token.ID] = known
}

// forget is called when a token was revoked by this process, which then refuses it at once.
func (t *knownTokens) forget(id string) {
	t.mu.Lock()
	delete(t.known, id)
	delete(t.used, id)
	t.revoked++
	t.mu.Unlock()
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *knownTokens) use(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[id] = true
}

// takeUsed returns the tokens that were used since it was called last.
func (t *knownTokens) takeUsed() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := make([]string, 0, len(t.used))
	for id := range t.used {
		ids = append(ids, id)
	}
	clear(t.used)
	return ids
}

// revocable is the tokens as the API sees them: what it deletes is forgotten.
type revocable struct {
	*backend
	known *knownTokens
}

// DeleteToken revokes a token.
func (r revocable) DeleteToken(ctx context.Context, id string) error {
	err := r.backend.DeleteToken(ctx, id)
	if err == nil {
		r.known.forget(id)
	}
	return err
}
