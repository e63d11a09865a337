package main

import (
	"context"
	"errors"
	"fmt"
)

// reconcile measures the merge alone, without any source. Its rival is itself at the smallest size: it must be linear.
func reconcile(ctx context.Context) ([]row, error) {
	found, err := goBench(ctx, "./engine/reconcile", ".", "-benchtime", "1x")
	var rows []row
	first := 0.0
	for _, b := range found {
		perSecond, ok := b.metrics["rows/s"]
		if !ok {
			continue
		}
		if first == 0 {
			first = perSecond
		}
		r := row{name: "reconcile " + b.name, figure: fmt.Sprintf("%.0f rows/s", perSecond), floor: fmt.Sprintf("%.0f rows/s: the smallest size", first),
			ratio: ratio(perSecond, first)}
		if allocs, ok := b.metrics["allocs/row"]; ok {
			r.figure += fmt.Sprintf(", %.1f allocations a row", allocs)
		}
		rows = append(rows, r)
	}
	if err == nil && len(rows) == 0 {
		err = errors.New("no benchmark of engine/reconcile reports rows/s")
	}
	return rows, err
}
