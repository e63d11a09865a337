package tandem

import (
	"context"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Role is what a token allows. Each role may do what those before it may.
type Role string

// The roles.
const (
	RoleViewer Role = "VIEWER" // reads
	RoleEditor Role = "EDITOR" // also writes rows, reverts changes and resolves conflicts
	RoleAdmin  Role = "ADMIN"  // also links, initial syncs, answers to halts, hooks and tokens
)

// Roles are all roles, those that may less first.
var Roles = []Role{RoleViewer, RoleEditor, RoleAdmin}

// Includes reports whether r may do what needed may. A role that is not known may nothing.
func (r Role) Includes(needed Role) bool {
	have, want := slices.Index(Roles, r), slices.Index(Roles, needed)
	return want >= 0 && have >= want
}

// Token is a caller's right to call. Its secret is stored nowhere, see NewTokenSecret.
type Token struct {
	ID    string // random; it also begins the secret, and is no secret itself
	Name  string // what people call it; history shows it as "token:NAME"
	Role  Role
	Links []string // the ids of the links that it is limited to; empty: all
	// Expires is when it ends, LastUsed when it was used last, to a few minutes; zero: never, and not yet.
	Expires, Created, LastUsed time.Time
}

// Caller is who makes a call.
type Caller struct {
	Token string // the token's id; "" where nobody is asked who they are
	Name  string
	Role  Role
	Links []string // empty: all
}

// Limited reports whether the caller may see certain links only.
func (c Caller) Limited() bool { return len(c.Links) > 0 }

// Sees reports whether the caller may see a link, as far as its limits go.
func (c Caller) Sees(link string) bool { return !c.Limited() || slices.Contains(c.Links, link) }

// Actor is how history calls the caller.
func (c Caller) Actor() string {
	if c.Token == "" {
		return "api"
	}
	return ActorPrefix + c.Name
}

// ActorPrefix begins the names of tokens in history. Nobody else may call themselves so.
const ActorPrefix = "token:"

// Everybody is the caller where nobody is asked who they are: on a loopback address, and within the process.
var Everybody = Caller{Role: RoleAdmin}

type callerKey struct{}

// WithCaller says who makes the call under ctx.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf returns what WithCaller said, and Everybody without it: every call from outside has one.
func CallerOf(ctx context.Context) Caller {
	if caller, ok := ctx.Value(callerKey{}).(Caller); ok {
		return caller
	}
	return Everybody
}

// A secret is "tdm_" + id + "_" + 256 random bits + a checksum of all that, the last two in base62: one word for those who
// copy it, known by its beginning to those who search for leaked secrets, and told from a misspelt one without a look-up.
const (
	TokenPrefix = "tdm_"
	tokenID     = 12
	tokenRandom = 43 // 62^43 > 2^256
	tokenSum    = 6  // 62^6 > 2^32
)

// NewTokenSecret spells the secret of a token. ID has 12 characters of a-z and 0-9.
func NewTokenSecret(id string, random [32]byte) string {
	text := TokenPrefix + id + "_" + base62(new(big.Int).SetBytes(random[:]), tokenRandom)
	return text + checksum(text)
}

// ReadTokenSecret returns the id of the token whose secret may be text: that it is made as secrets are says no more than that.
func ReadTokenSecret(text string) (id string, ok bool) {
	const length = len(TokenPrefix) + tokenID + 1 + tokenRandom + tokenSum
	if len(text) != length || text[:len(TokenPrefix)] != TokenPrefix || text[len(TokenPrefix)+tokenID] != '_' {
		return "", false
	}
	if text[length-tokenSum:] != checksum(text[:length-tokenSum]) {
		return "", false
	}
	return text[len(TokenPrefix) : len(TokenPrefix)+tokenID], true
}

// TokenHash is what is stored in place of a secret. A slow hash protects passwords, which can be guessed; 256 random bits
// cannot, so a fast one gives nothing away, and costs nothing with every call.
func TokenHash(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

func checksum(text string) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // as base62 has them
	var spelled [tokenSum]byte
	for i, sum := tokenSum-1, crc32.ChecksumIEEE([]byte(text)); i >= 0; i, sum = i-1, sum/62 {
		spelled[i] = digits[sum%62]
	}
	return string(spelled[:])
}

// base62 spells n with so many digits.
func base62(n *big.Int, digits int) string {
	text := n.Text(62) // 0-9, a-z, A-Z
	return strings.Repeat("0", digits-len(text)) + text
}
