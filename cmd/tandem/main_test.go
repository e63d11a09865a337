package main

import (
	"testing"
)

func TestExitCodes(t *testing.T) {
	t.Setenv("TANDEM_DATABASE_URL", "")
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 2},
		{[]string{"help"}, 0},
		{[]string{"--help"}, 0},
		{[]string{"version"}, 0},
		{[]string{"serve", "--help"}, 0},
		{[]string{"nonsense"}, 2},
		{[]string{"serve", "--nonsense"}, 2},
		{[]string{"serve", "nonsense"}, 2},
		{[]string{"serve", "--poll-interval", "soon"}, 2},
		{[]string{"serve", "--config", "/nowhere/tandem.yaml"}, 2},
		{[]string{"serve", "--auth", "none"}, 1},
		{[]string{"emulator", "--addr", "nowhere"}, 1},
		{[]string{"check", "--auth", "none"}, 1},
		{[]string{"uninstall", "--help"}, 0},
		{[]string{"token"}, 2},
		{[]string{"token", "--help"}, 0},
		{[]string{"token", "make"}, 2},
		{[]string{"token", "list", "nonsense"}, 2},
		{[]string{"token", "delete"}, 2},
		{[]string{"token", "create", "--role", "owner", "--name", "n", "--database-url", "sqlite:/nowhere/t.db"}, 1},
		{[]string{"token", "list"}, 1},
		{[]string{"uninstall", "--sheet"}, 2},
		{[]string{"uninstall"}, 1},
	} {
		if got := run(t.Context(), c.args); got != c.want {
			t.Errorf("tandem %q: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
