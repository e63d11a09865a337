package server

import (
	"context"
	"net/http"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// KnownFor is how long a token is taken for what it was.
const KnownFor = knownFor

// KnownTokens is what a process knows of tokens, with a clock of its own.
type KnownTokens struct{ *knownTokens }

// NewKnownTokens looks tokens up in st.
func NewKnownTokens(st *store.Store, now func() time.Time) KnownTokens {
	return KnownTokens{newKnownTokens(st, now)}
}

// Find returns a token as the process knows it.
func (k KnownTokens) Find(ctx context.Context, id string) (tandem.Token, error) {
	known, err := k.find(ctx, id)
	if err != nil {
		return tandem.Token{}, err
	}
	return known.token, nil
}

// Forget is what revoking a token in this process does.
func (k KnownTokens) Forget(id string) { k.forget(id) }

// Len is how many tokens are remembered.
func (k KnownTokens) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.known)
}

// Unquoted is an error as the log shows it.
func Unquoted(text string) string { return unquoted(text) }

// Bucket is what a token may call.
type Bucket struct{ bucket }

// Take takes one call at a moment.
func (b *Bucket) Take(now time.Time, rate float64) time.Duration { return b.take(now, rate) }

// Unhurried has senders and readers keep a pace of their own.
func Unhurried(next http.Handler, body, answer time.Duration) http.Handler {
	return unhurried(next, pace{body: body, answer: answer, rate: 1 << 30})
}
