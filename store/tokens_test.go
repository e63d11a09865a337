package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
)

func TestTokens(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		expires := o.clock.Now().Add(time.Hour)
		ops, secret, err := o.CreateToken(ctx, tandem.Token{ID: "mine", Name: "ops", Role: tandem.RoleAdmin, LastUsed: expires})
		if err != nil {
			t.Fatal(err)
		}
		phone, other, err := o.CreateToken(ctx, tandem.Token{Name: "phone", Role: tandem.RoleViewer, Links: []string{o.link.ID}, Expires: expires})
		if err != nil {
			t.Fatal(err)
		}
		if secret == other || ops.ID == phone.ID || ops.ID == "mine" {
			t.Errorf("tokens that are not their own: %v, %v", ops, phone)
		}
		for _, made := range []struct {
			token  tandem.Token
			secret string
			want   tandem.Token
		}{
			{ops, secret, tandem.Token{ID: ops.ID, Name: "ops", Role: tandem.RoleAdmin, Created: o.clock.Now()}},
			{phone, other, tandem.Token{ID: phone.ID, Name: "phone", Role: tandem.RoleViewer, Links: []string{o.link.ID}, Created: o.clock.Now(), Expires: expires}},
		} {
			same(t, "token as it was made", made.token, made.want)
			if id, ok := tandem.ReadTokenSecret(made.secret); !ok || id != made.token.ID {
				t.Errorf("the secret is of the token %q, %v; want %q", id, ok, made.token.ID)
			}
			found, hash, err := o.KnownToken(ctx, made.token.ID)
			if err != nil || hash != tandem.TokenHash(made.secret) {
				t.Errorf("hash %x, %v", hash, err)
			}
			same(t, "token as it was stored", found, made.want)
		}
		if _, _, err := o.KnownToken(ctx, ops.ID+" "); !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("another id found a token: %v", err)
		}

		// What is stored does not tell the secret, wherever one looks.
		var id, hash, name, role string
		if err := o.sql.QueryRowContext(ctx, "SELECT id, hash, name, role FROM tandem_tokens WHERE id = ?", ops.ID).Scan(&id, &hash, &name, &role); err != nil {
			t.Fatal(err)
		}
		row := strings.Join([]string{id, hash, name, role}, " ")
		if random := strings.Split(secret, "_")[2]; strings.Contains(row, random) || strings.Contains(row, secret[len(secret)-20:]) {
			t.Errorf("the secret stands in the table: %s", row)
		}
	})
}

func TestTokensAreListedUsedAndDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx := t.Context()
		made := map[string]tandem.Token{}
		for range 5 {
			token, _, err := o.CreateToken(ctx, tandem.Token{Name: "same name", Role: tandem.RoleEditor})
			if err != nil {
				t.Fatal(err)
			}
			made[token.ID] = token
		}
		listed, after := map[string]tandem.Token{}, ""
		for range 3 {
			page, err := o.Tokens(ctx, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, token := range page {
				if token.ID <= after {
					t.Errorf("%s follows %s", token.ID, after)
				}
				listed[token.ID], after = token, token.ID
			}
		}
		same(t, "tokens", listed, made)

		o.clock.pass(time.Minute)
		if err := o.TokensUsed(ctx, []string{after, "gone"}); err != nil {
			t.Fatal(err)
		}
		used, _, err := o.KnownToken(ctx, after)
		if err != nil || !used.LastUsed.Equal(o.clock.Now()) {
			t.Errorf("last used %v, %v; want %v", used.LastUsed, err, o.clock.Now())
		}
		// Another process sees at once that a token is gone.
		second := o.another(t)
		if err := o.DeleteToken(ctx, after); err != nil {
			t.Fatal(err)
		}
		if _, _, err := second.KnownToken(ctx, after); !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("deleted token: %v", err)
		}
		if err := o.DeleteToken(ctx, after); !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestTokenOfUnknownLink(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		_, secret, err := o.CreateToken(t.Context(), tandem.Token{Name: "n", Role: tandem.RoleViewer, Links: []string{o.link.ID, "nowhere"}})
		var known *tandem.Error
		if !errors.As(err, &known) || len(known.Fields) != 1 || known.Fields[0].Field != "token.links[1]" || secret != "" {
			t.Errorf("got %q, %v", secret, err)
		}
		if left, err := o.Tokens(t.Context(), "", 10); err != nil || len(left) != 0 {
			t.Errorf("tokens %v, %v", left, err)
		}
	})
}

// A token that was limited is never read as one that is not.
func TestDamagedLimits(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		token, _, err := o.CreateToken(t.Context(), tandem.Token{Name: "n", Role: tandem.RoleViewer, Links: []string{o.link.ID}})
		if err != nil {
			t.Fatal(err)
		}
		for _, links := range []string{"", "null", "[]", "{}", "[1]"} {
			o.exec(t, "UPDATE tandem_tokens SET links = ? WHERE id = ?", links, token.ID)
			if got, _, err := o.KnownToken(t.Context(), token.ID); err == nil {
				t.Errorf("links %q: token %+v", links, got)
			}
		}
	})
}

func TestPruneTokens(t *testing.T) {
	onEach(t, func(t *testing.T, o *own) {
		ctx, left := t.Context(), map[string]bool{}
		for name, lasts := range map[string]time.Duration{"never": 0, "soon": time.Hour, "later": 100 * 24 * time.Hour} {
			token := tandem.Token{Name: name, Role: tandem.RoleViewer}
			if lasts > 0 {
				token.Expires = o.clock.Now().Add(lasts)
			}
			if _, _, err := o.CreateToken(ctx, token); err != nil {
				t.Fatal(err)
			}
		}
		o.clock.pass(91 * 24 * time.Hour)
		if err := o.PruneTokens(ctx); err != nil {
			t.Fatal(err)
		}
		tokens, err := o.Tokens(ctx, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range tokens {
			left[token.Name] = true
		}
		same(t, "tokens that are left", left, map[string]bool{"never": true, "later": true})
	})
}
