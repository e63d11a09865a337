package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// keepExpired is how long a token that expired is still listed.
const keepExpired = 90 * 24 * time.Hour

// errNoToken says that a token is not there (any more).
func errNoToken(id string) error {
	return tandem.Errorf(tandem.CodeNotFound, "TOKEN_NOT_FOUND", "there is no token %q", id)
}

const selectTokens = "SELECT id, name, role, links, expires_at, created_at, last_used_at FROM tandem_tokens"

func scanToken(row scanner) (t tandem.Token, err error) {
	var (
		links                  *string
		expires, created, used moment
	)
	if err := row.Scan(&t.ID, &t.Name, &t.Role, &links, &expires, &created, &used); err != nil {
		return t, err
	}
	t.Expires, t.Created, t.LastUsed = expires.Time, created.Time, used.Time
	limited, err := fromJSON[[]string](links)
	if err == nil && limited != nil {
		t.Links = *limited
		if len(t.Links) == 0 {
			// No token is stored so: none of its limits must turn into "all links".
			err = fmt.Errorf("token %s is limited to no link", t.ID)
		}
	}
	return t, err
}

// CreateToken stores a new token and returns it with its secret, which nobody can find out again. It fails when one of its
// links does not exist: a misspelt limit would else come true later.
func (s *Store) CreateToken(ctx context.Context, token tandem.Token) (tandem.Token, string, error) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	token.ID, token.Created, token.LastUsed = newTokenID(), s.moment(), time.Time{}
	token.Expires = token.Expires.UTC().Truncate(time.Microsecond)
	secret := tandem.NewTokenSecret(token.ID, random)
	hash := tandem.TokenHash(secret)
	var links *string
	if len(token.Links) > 0 {
		var err error
		if links, err = toJSON(&token.Links); err != nil {
			return token, "", err
		}
	}
	err := s.beside(ctx, func(tx *gorm.DB) error {
		if err := checkTokenLinks(tx, token.Links); err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO tandem_tokens (id, hash, name, role, links, expires_at, created_at) VALUES (?,?,?,?,?,?,?)`,
			token.ID, hex.EncodeToString(hash[:]), token.Name, string(token.Role), links, moment{token.Expires}, moment{token.Created}).Error
	})
	if err != nil {
		return tandem.Token{}, "", wrap(err, "create a token")
	}
	return token, secret, nil
}

func checkTokenLinks(tx *gorm.DB, links []string) error {
	if len(links) == 0 {
		return nil
	}
	there, err := query(tx, scanText, "SELECT id FROM tandem_links WHERE id IN (?)", links)
	if err != nil {
		return err
	}
	for i, link := range links {
		if !slices.Contains(there, link) {
			return tandem.InvalidField(fmt.Sprintf("token.links[%d]", i), "there is no link %q; a token can be limited to links that exist", link)
		}
	}
	return nil
}

// newTokenID returns 12 random characters of a-z and 2-7, enough for ids that are told apart and keep nothing secret.
func newTokenID() string {
	var random [8]byte
	_, _ = rand.Read(random[:])
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))[:12]
}

// KnownToken returns a token with the hash of its secret, and tandem.ErrNotFound when there is none, whoever asks. That it
// has expired is for the caller to see.
func (s *Store) KnownToken(ctx context.Context, id string) (token tandem.Token, hash [32]byte, err error) {
	type known struct {
		tandem.Token
		hash string
	}
	found, there, err := queryOne(s.db.WithContext(ctx), func(row scanner) (k known, err error) {
		k.Token, err = scanToken(withHash{row, &k.hash})
		return k, err
	}, strings.Replace(selectTokens, "SELECT ", "SELECT hash, ", 1)+" WHERE id = ?", id)
	if err == nil && (!there || found.ID != id) {
		err = errNoToken(id)
	}
	if err == nil {
		if n, bad := hex.Decode(hash[:], []byte(found.hash)); bad != nil || n != len(hash) {
			err = fmt.Errorf("the hash of token %s cannot be read", id)
		}
	}
	return found.Token, hash, wrap(err, "look up token %s", id)
}

// withHash reads the hash before what scanToken reads.
type withHash struct {
	scanner
	hash *string
}

// Scan reads a row.
func (w withHash) Scan(into ...any) error { return w.scanner.Scan(append([]any{w.hash}, into...)...) }

// Tokens returns up to limit tokens by id, those after the one called after, which may be gone.
func (s *Store) Tokens(ctx context.Context, after string, limit int) ([]tandem.Token, error) {
	tokens, err := query(s.db.WithContext(ctx), scanToken, selectTokens+" WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	return tokens, wrap(err, "list tokens")
}

// DeleteToken removes a token: nothing that looks it up from now on finds it.
func (s *Store) DeleteToken(ctx context.Context, id string) error {
	err := s.beside(ctx, func(tx *gorm.DB) error {
		done := tx.Exec("DELETE FROM tandem_tokens WHERE id = ?", id)
		if done.Error == nil && done.RowsAffected == 0 {
			return errNoToken(id)
		}
		return done.Error
	})
	return wrap(err, "delete token %s", id)
}

// TokensUsed notes that tokens were used just now. Those that are gone are passed over.
func (s *Store) TokensUsed(ctx context.Context, ids []string) error {
	now := moment{s.moment()}
	err := inBatches(ids, func(batch []string) error {
		return s.beside(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE tandem_tokens SET last_used_at = ? WHERE id IN (?)", now, batch).Error
		})
	})
	return wrap(err, "note which tokens were used")
}

// PruneTokens removes tokens that expired long ago.
func (s *Store) PruneTokens(ctx context.Context) error {
	before := moment{s.moment().Add(-keepExpired)}
	err := s.beside(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM tandem_tokens WHERE expires_at < ?", before).Error
	})
	return wrap(err, "prune tokens")
}
