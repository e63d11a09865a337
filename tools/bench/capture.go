package main

import (
	"context"
	"fmt"
)

// capture measures what noticing changes costs the writer, and how soon they are noticed. The rival is a table without any
// capture, in rounds that alternate.
func capture(ctx context.Context) ([]row, error) {
	found, err := goBench(ctx, "./store", "Capture", "-benchtime", "1x")
	if err != nil {
		return nil, err
	}
	var rows []row
	metrics := found[0].metrics
	for _, writers := range []int{1, 4} {
		for _, way := range []string{"triggers", "binlog"} {
			share := metrics[fmt.Sprintf("%s/none-%dw", way, writers)]
			rows = append(rows, row{fmt.Sprintf("capture by %s, inserts by %d", way, writers), fmt.Sprintf("%.0f %%", 100*share), "100 %: no capture", fmt.Sprintf("%.2f", share)})
		}
	}
	for _, way := range []string{"triggers", "binlog"} {
		rows = append(rows, row{fmt.Sprintf("capture by %s, commit to mark", way),
			fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", metrics[way+"-median-µs"]/1000, metrics[way+"-p99-µs"]/1000), "goal: 100 ms at the median", ""})
	}
	return rows, nil
}
