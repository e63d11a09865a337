package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseBench(t *testing.T) {
	found := parseBench("goos: linux\nBenchmarkAPI/rest/GetRow-2  \t       1\t         0 ns/op\t        12345 ours/s\t 0.81 ratio\n    x_test.go:1: a log line\nPASS\n")
	if len(found) != 1 || found[0].name != "API/rest/GetRow" || found[0].metrics["ours/s"] != 12345 || found[0].metrics["ratio"] != 0.81 {
		t.Errorf("read %+v", found)
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	printTable(&out, []row{{"lag → sheet", "1.2 s", "0.3 s", "4.00"}, {"x", "2", "", ""}})
	want := `| what        | figure | floor or rival | ratio |
|-------------|--------|----------------|-------|
| lag → sheet | 1.2 s  | 0.3 s          | 4.00  |
| x           | 2      |                |       |
`
	if out.String() != want {
		t.Errorf("printed\n%s", out.String())
	}
}

// TestLagRun: a change has arrived when its row shows its number or a later one; a later change of another row says nothing.
func TestLagRun(t *testing.T) {
	run, began := newLagRun(2), time.Now()
	first, second, third := run.take(), run.take(), run.take()
	run.made(0, first, began)
	run.made(1, second, began)
	run.made(0, third, began.Add(time.Second))
	run.seen(1, second, began.Add(2*time.Second))
	if n, count := run.oldest(); n != first || count != 2 {
		t.Errorf("%d are open from %d on, want 2 from %d", count, n, first)
	}
	run.seen(0, third, began.Add(3*time.Second))
	if _, count := run.oldest(); count != 0 {
		t.Errorf("%d are open, want none", count)
	}
	if p := run.percentile(.5); p != 2*time.Second {
		t.Errorf("the median is %s of %v", p, run.lags)
	}
	if run.percentile(.99) != 3*time.Second {
		t.Errorf("p99 of %v", run.lags)
	}
}
