package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// What server's TestSize says of its measurement.
var (
	sizeSync  = regexp.MustCompile(`initial sync of (\d+) rows: (\S+), (\d+) reads and (\d+) writes, peak memory (\d+) MB`)
	sizeFloor = regexp.MustCompile(`floor: (\S+) \(`)
	sizeReads = regexp.MustCompile(`GetRow: idle p50 (\S+) p99 (\S+), during the sync p50 (\S+) p99 (\S+) `)
	sizeTen   = regexp.MustCompile(`ten rows of \d+: (.*)`)
)

// initialSync measures an initial sync of a table of which the sheet has every other row. The floor is a SELECT of all rows, one
// whole read of the tab, and the upload of the missing half, by the same clients and nothing else.
func initialSync(ctx context.Context) ([]row, error) {
	out, err := goTest(ctx, "test", "./server", "-run", "TestSize$", "-v", "-count", "1", "-timeout", "0", "-size", strconv.Itoa(*size))
	found, floor := sizeSync.FindStringSubmatch(out), sizeFloor.FindStringSubmatch(out)
	if found == nil || floor == nil {
		return nil, errors.Join(err, fmt.Errorf("server's TestSize told no figures:\n%s", out))
	}
	took, _ := time.ParseDuration(found[2])
	least, _ := time.ParseDuration(floor[1])
	rows := []row{
		{"initial sync of " + found[1] + " rows", fmt.Sprintf("%.1f s", took.Seconds()), fmt.Sprintf("%.1f s: read both, upload half", least.Seconds()), ratio(took.Seconds(), least.Seconds())},
		{"initial sync, memory", found[5] + " MB", "goal: below 500 MB for 100,000 x 10", ""},
		{"initial sync, calls", found[3] + " reads, " + found[4] + " writes", "", ""},
	}
	if r := sizeReads.FindStringSubmatch(out); r != nil {
		idle, _ := time.ParseDuration(r[2])
		busy, _ := time.ParseDuration(r[4])
		rows = append(rows, row{"GetRow during it, p99", r[4], r[2] + ": p99 when idle", ratio(busy.Seconds(), idle.Seconds())})
	}
	if r := sizeTen.FindStringSubmatch(out); r != nil {
		rows = append(rows, row{"ten dirty rows then", r[1], "", ""})
	}
	return rows, err
}
