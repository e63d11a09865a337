package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/store"
)

// TokenOptions say which token `tandem token create` makes.
type TokenOptions struct {
	Name, Role string
	Links      []string      // ids of links; empty: all
	Lasts      time.Duration // 0: for ever
}

// CreateToken is `tandem token create`: it makes a token in the database directly, for whoever may write there, and prints its
// secret on out, alone on its line, and what it is on notes.
func CreateToken(ctx context.Context, config Config, options TokenOptions, out, notes io.Writer) error {
	switch {
	case options.Name == "":
		return errors.New("give the token a name, by which history shows what it did: --name ops")
	case options.Role == "":
		return errors.New("say what the token allows: --role viewer, --role editor or --role admin")
	}
	now := time.Now()
	token := tandem.Token{Name: options.Name, Role: tandem.Role(strings.ToUpper(options.Role)), Links: options.Links}
	if options.Lasts != 0 {
		token.Expires = now.Add(options.Lasts)
	}
	token, err := api.CheckToken(token, now)
	if err != nil {
		return err
	}
	return withTokens(ctx, config, func(st *store.Store) error {
		made, secret, err := st.CreateToken(ctx, token)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(notes, "Made the token %s (%s): %s, of %s, %s. What follows is its secret, which is shown this once:\n",
			made.ID, made.Name, made.Role, linksOf(made), ends(made))
		if _, err := fmt.Fprintln(out, secret); err != nil {
			// Nobody will ever know it.
			return errors.Join(fmt.Errorf("print the secret: %w", err), st.DeleteToken(ctx, made.ID))
		}
		return nil
	})
}

// ListTokens is `tandem token list`.
func ListTokens(ctx context.Context, config Config, out io.Writer) error {
	return withTokens(ctx, config, func(st *store.Store) error {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "ID\tNAME\tROLE\tLINKS\tMADE\tUSED\tENDS")
		after := ""
		for {
			tokens, err := st.Tokens(ctx, after, 1000)
			if err != nil {
				return err
			}
			for _, t := range tokens {
				used := "never"
				if !t.LastUsed.IsZero() {
					used = t.LastUsed.Format(time.RFC3339)
				}
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, linksOf(t), t.Created.Format(time.RFC3339), used, ends(t))
				after = t.ID
			}
			if len(tokens) < 1000 {
				return table.Flush()
			}
		}
	})
}

// DeleteToken is `tandem token delete`: every server refuses the token within 5 s.
func DeleteToken(ctx context.Context, config Config, id string, out io.Writer) error {
	return withTokens(ctx, config, func(st *store.Store) error {
		if err := st.DeleteToken(ctx, strings.TrimPrefix(id, "tokens/")); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "The token %s is deleted. Servers refuse it within 5 seconds.\n", id)
		return err
	})
}

func withTokens(ctx context.Context, config Config, do func(st *store.Store) error) error {
	if config.DatabaseURL == "" {
		return errors.New("no database: give --database-url or TANDEM_DATABASE_URL, sqlite:PATH or mysql://USER:PASS@HOST:PORT/DB")
	}
	if err := databaseAddress(config.DatabaseURL); err != nil {
		return err
	}
	st, err := store.Open(ctx, config.DatabaseURL, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(do(st), st.Close())
}

func linksOf(t tandem.Token) string {
	if len(t.Links) == 0 {
		return "all links"
	}
	return strings.Join(t.Links, ",")
}

func ends(t tandem.Token) string {
	switch {
	case t.Expires.IsZero():
		return "does not expire"
	case t.Expires.After(time.Now()):
		return "expires " + t.Expires.Format(time.RFC3339)
	}
	return "expired " + t.Expires.Format(time.RFC3339)
}
