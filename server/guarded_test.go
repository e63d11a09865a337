package server_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// guarded is a stand whose server asks for tokens.
type guarded struct {
	*stand
	store *store.Store // of another process, as tandem token is
	admin string       // a token that may do everything
}

const filmTable = "CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT, note TEXT); INSERT INTO film (id, title) VALUES (1, 'Akira'), (2, 'Ran');"

// newGuarded starts a server with tokens on the tables of schema.
func newGuarded(t *testing.T, set func(config *server.Config), schema string, tabs ...emulator.Tab) *guarded {
	t.Helper()
	var url string
	s := newStandWith(t, func(config *server.Config) {
		config.Auth = server.AuthToken
		url = config.DatabaseURL
		set(config)
	}, schema, tabs...)
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	g := &guarded{stand: s, store: st}
	g.admin, _ = g.token("root", tandem.RoleAdmin, 0)
	return g
}

// token makes a token and returns its secret and its id.
func (g *guarded) token(name string, role tandem.Role, lasts time.Duration, links ...string) (secret, id string) {
	g.Helper()
	token := tandem.Token{Name: name, Role: role, Links: links}
	if lasts != 0 {
		token.Expires = time.Now().Add(lasts)
	}
	made, secret, err := g.store.CreateToken(g.Context(), token)
	if err != nil {
		g.Fatal(err)
	}
	return secret, made.ID
}

// as returns the headers of a caller with a token.
func as(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// with returns a context for gRPC calls with a token.
func (g *guarded) with(secret string) context.Context {
	return metadata.AppendToOutgoingContext(g.Context(), "authorization", "Bearer "+secret)
}

// makeLink makes a link of a table and a tab.
func (g *guarded) makeLink(id, table, tab string) {
	g.Helper()
	g.must("POST", "/v1/links?link_id="+id, `{"table": "`+table+`", "spreadsheetId": "`+standSheet+`", "tab": "`+tab+`"}`, as(g.admin)...)
}
