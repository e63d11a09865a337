package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// benchmark is one line of `go test -bench`: its name without "Benchmark" and the number of processors, and its metrics by
// unit.
type benchmark struct {
	name    string
	metrics map[string]float64
}

// goBench runs the benchmarks of a package that match pattern and returns their lines.
func goBench(ctx context.Context, pkg, pattern string, flags ...string) ([]benchmark, error) {
	args := append([]string{"test", pkg, "-run", "^$", "-bench", pattern, "-count", "1", "-timeout", "0"}, flags...)
	out, err := goTest(ctx, args...)
	found := parseBench(out)
	switch {
	case err != nil:
		return found, fmt.Errorf("%w\n%s", err, out)
	case len(found) == 0:
		return nil, fmt.Errorf("go %s: there is no such benchmark", strings.Join(args, " "))
	}
	return found, nil
}

// goTest runs the go command and returns what it printed.
func goTest(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if *report {
		_, _ = os.Stderr.Write(out.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), err
}

// parseBench reads what `go test -bench` prints.
func parseBench(out string) []benchmark {
	var found []benchmark
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		b := benchmark{name: strings.TrimPrefix(fields[0], "Benchmark"), metrics: map[string]float64{}}
		if cut := strings.LastIndexByte(b.name, '-'); cut > 0 {
			if _, err := strconv.Atoi(b.name[cut+1:]); err == nil {
				b.name = b.name[:cut]
			}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				b.metrics[fields[i+1]] = value
			}
		}
		found = append(found, b)
	}
	return found
}
