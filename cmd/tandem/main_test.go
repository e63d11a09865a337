package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
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

// A wrong command line is answered by what is wrong with it and how to get help, and only help by the list of flags.
func TestMisuse(t *testing.T) {
	t.Setenv("TANDEM_DATABASE_URL", "")
	for name, run := range map[string]func(fs *flag.FlagSet, args []string) error{
		"serve": func(fs *flag.FlagSet, args []string) error { return serve(t.Context(), fs, args) },
		"demo":  func(fs *flag.FlagSet, args []string) error { return demo(t.Context(), fs, args) },
		"token": func(fs *flag.FlagSet, args []string) error {
			return token(t.Context(), fs, append([]string{"list"}, args...))
		},
	} {
		said := func(args ...string) (string, error) {
			var out bytes.Buffer
			fs := flag.NewFlagSet("tandem "+name, flag.ContinueOnError)
			fs.SetOutput(&out)
			err := run(fs, args)
			return out.String(), err
		}
		help := "\ntandem " + name + " --help lists the flags.\n"
		if out, err := said("--nonsense"); !errors.Is(err, errUsage) || out != "tandem "+name+": flag provided but not defined: -nonsense"+help {
			t.Errorf("%s --nonsense: %v\n%s", name, err, out)
		}
		if out, err := said("nonsense"); !errors.Is(err, errUsage) || out != "tandem "+name+`: unexpected argument "nonsense"`+help {
			t.Errorf("%s nonsense: %v\n%s", name, err, out)
		}
		if out, err := said("--help"); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out, "-http-addr") || !strings.HasPrefix(out, "Usage") {
			t.Errorf("%s --help: %v\n%s", name, err, out)
		}
	}
}
