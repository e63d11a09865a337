// Command tandem keeps database tables and Google Sheets in step. It holds subcommands and flags, nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/tandem-sync/tandem/server"
)

// command is one subcommand. Its run defines its flags, parses args with parse, and returns when it is done.
type command struct {
	name, summary string
	run           func(ctx context.Context, fs *flag.FlagSet, args []string) error
}

func commands() []command {
	return []command{
		{"demo", "show the main job: no services, no credentials", demo},
		{"serve", "serve the API and keep links in step", serve},
		{"emulator", "run the Google Sheets emulator alone", emulate},
		{"token", "make, list and delete the tokens that callers need", token},
		{"check", "try everything that serve needs, and say what is missing", check},
		{"uninstall", "remove what Tandem made in the database and, with --sheets, in spreadsheets; the data stays", uninstall},
		{"version", "print the version", version},
	}
}

// errUsage is a command line that cannot be understood; the process then exits with 2, as flag does.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		usage(os.Stderr)
		return 2
	}
	name := args[0]
	if name == "help" || name == "-h" || name == "-help" || name == "--help" {
		usage(os.Stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		fs := flag.NewFlagSet("tandem "+c.name, flag.ContinueOnError)
		err := c.run(ctx, fs, args[1:])
		switch {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(os.Stderr, "tandem %s: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "tandem: unknown command %q\n\n", name)
	usage(os.Stderr)
	return 2
}

func usage(out io.Writer) {
	_, _ = fmt.Fprint(out, "Tandem keeps a database table and a Google Sheet tab in step, both ways.\n\nUsage: tandem COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(out, "  %-10s %s\n", c.name, c.summary)
	}
	_, _ = fmt.Fprint(out, "\ntandem COMMAND --help lists the flags of a command.\n")
}

// parse parses the flags of a command that takes no other arguments. Only who asks for help gets the list of flags, below which
// nobody finds what is wrong.
func parse(fs *flag.FlagSet, args []string) error {
	help := fs.Usage
	if help == nil {
		help = func() {
			_, _ = fmt.Fprintf(fs.Output(), "Usage of %s:\n", fs.Name())
			fs.PrintDefaults()
		}
	}
	out := fs.Output()
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	fs.SetOutput(out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help()
		return err
	case err != nil:
		return misused(fs, "%v", err)
	case fs.NArg() > 0:
		return misused(fs, "unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// misused says what is wrong with a command line, and how to get help.
func misused(fs *flag.FlagSet, format string, args ...any) error {
	_, _ = fmt.Fprintf(fs.Output(), "%s: %s\n%[1]s --help lists the flags.\n", fs.Name(), fmt.Sprintf(format, args...))
	return errUsage
}

// configured parses the flags of a command that takes the server's configuration.
func configured(fs *flag.FlagSet, args []string) (server.Config, error) {
	settings := server.Flags(fs)
	if err := parse(fs, args); err != nil {
		return server.Config{}, err
	}
	config, err := settings.Config(os.Environ())
	if err != nil {
		return config, misused(fs, "%v", err)
	}
	return config, nil
}

func serve(ctx context.Context, fs *flag.FlagSet, args []string) error {
	config, err := configured(fs, args)
	if err != nil {
		return err
	}
	return server.Serve(ctx, config, os.Stderr)
}

func demo(ctx context.Context, fs *flag.FlagSet, args []string) error {
	options := server.DemoOptions{LogLevel: slog.LevelWarn}
	fs.StringVar(&options.Data, "data", "", "folder that keeps the database; default: a temporary one")
	fs.StringVar(&options.HTTPAddr, "http-addr", "127.0.0.1:8080", "address for HTTP; port 0 picks one")
	fs.StringVar(&options.GRPCAddr, "grpc-addr", "127.0.0.1:9090", "address for gRPC; port 0 picks one")
	fs.StringVar(&options.EmulatorAddr, "emulator-addr", "127.0.0.1:0", "address for the sheet; port 0 picks one")
	fs.TextVar(&options.LogLevel, "log-level", slog.LevelWarn, "debug, info, warn or error")
	if err := parse(fs, args); err != nil {
		return err
	}
	return server.Demo(ctx, options, os.Stdout, os.Stderr)
}

func emulate(ctx context.Context, fs *flag.FlagSet, args []string) error {
	addr := fs.String("addr", "127.0.0.1:8090", "address to listen at; port 0 picks one")
	if err := parse(fs, args); err != nil {
		return err
	}
	return server.Emulate(ctx, *addr, os.Stderr)
}

func check(ctx context.Context, fs *flag.FlagSet, args []string) error {
	var options server.CheckOptions
	fs.Func("spreadsheet", "id of a spreadsheet to try beside those that are linked; may be repeated", func(id string) error {
		options.Spreadsheets = append(options.Spreadsheets, id)
		return nil
	})
	config, err := configured(fs, args)
	if err != nil {
		return err
	}
	return server.Check(ctx, config, options, os.Stdout)
}

func uninstall(ctx context.Context, fs *flag.FlagSet, args []string) error {
	var options server.UninstallOptions
	fs.BoolVar(&options.Sheets, "sheets", false, "also remove hidden tabs, notes and metadata from the linked spreadsheets")
	fs.BoolVar(&options.Force, "force", false, "go on although a server seems to be running")
	config, err := configured(fs, args)
	if err != nil {
		return err
	}
	return server.Uninstall(ctx, config, options, os.Stdout)
}

func version(_ context.Context, fs *flag.FlagSet, args []string) error {
	if err := parse(fs, args); err != nil {
		return err
	}
	text := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		text = strings.TrimSpace(info.Main.Version + " " + info.GoVersion)
	}
	_, err := fmt.Println("tandem", text)
	return err
}
