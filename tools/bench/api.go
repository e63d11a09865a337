package main

import (
	"context"
	"fmt"
)

// apiCalls measures calls of the API against a bare net/http and database/sql handler on the same database.
func apiCalls(ctx context.Context) ([]row, error) {
	found, err := goBench(ctx, "./server", "API", "-benchtime", "1x")
	var rows []row
	for _, b := range found {
		r := row{name: "api " + b.name, figure: fmt.Sprintf("%.0f /s", b.metrics["ours/s"]), floor: fmt.Sprintf("%.0f /s: bare handler", b.metrics["bare/s"]),
			ratio: fmt.Sprintf("%.2f", b.metrics["ratio"])}
		rows = append(rows, r)
	}
	return rows, err
}
