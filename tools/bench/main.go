// Bench measures Tandem on this machine and prints one table: what was measured, the figure, and beside it a floor (the least
// that any program would need for the same) or a rival, measured in the same run.
//
//	go run ./tools/bench                  everything
//	go run ./tools/bench -only lag,burst  some sections
//	go run ./tools/bench -list            their names
//
// It starts what it needs: MariaDB, a Google Sheets emulator with Google's quotas and a latency like that of its servers, and
// `tandem serve`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

var (
	only   = flag.String("only", "", "sections to run, with commas between; default all")
	list   = flag.Bool("list", false, "list the sections and stop")
	lasts  = flag.Duration("lag", time.Minute, "how long changes are made at each rate")
	rates  = flag.String("rates", "1,100,1000", "changes a second for which the lag is measured")
	size   = flag.Int("size", 100_000, "rows of the initial sync")
	built  = flag.String("program", "", "a built tandem to measure; default: build it")
	report = flag.Bool("v", false, "show the log of the servers")
)

// section measures a part and returns rows of the table.
type section struct {
	name, what string
	run        func(ctx context.Context) ([]row, error)
}

var sections = []section{
	{"lag", "time from a change to its arrival on the other side, with Google's quotas and hints", lag},
	{"burst", "10,000 SQL updates until they are in the sheet, with Google's quotas", burst},
	{"sync", "initial sync of 100,000 x 10", initialSync},
	{"reconcile", "the merge alone", reconcile},
	{"api", "REST and gRPC calls against a bare handler on the same database", apiCalls},
	{"capture", "what noticing changes costs the writer", capture},
}

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if scratch != "" {
		_ = os.RemoveAll(scratch)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if *list {
		for _, s := range sections {
			fmt.Printf("%-10s %s\n", s.name, s.what)
		}
		return nil
	}
	wanted := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("there is no section %q; -list shows what there is", name)
		}
	}
	var rows []row
	var failed []string
	for _, s := range sections {
		if len(wanted) > 0 && !slices.Contains(wanted, s.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%s: %s …\n", s.name, s.what)
		measured, err := s.run(ctx)
		rows = append(rows, measured...)
		if err != nil {
			failed = append(failed, s.name)
			fmt.Fprintf(os.Stderr, "%s failed: %v\n", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, time.Since(began).Round(time.Second))
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Printf("%s, %s/%s, %d processors, %s\n\n", time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	printTable(os.Stdout, rows)
	if len(failed) > 0 {
		return fmt.Errorf("not all was measured: %s failed", strings.Join(failed, ", "))
	}
	return ctx.Err()
}
