package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// BenchmarkCapture tells what each way to capture changes costs the program that writes, in inserts a second of one writer and
// of four, and how long a mark takes after the commit. Rounds of all three ways take turns, since a shared machine is faster
// at one moment than at another; what counts are the ratios, which are printed.
func BenchmarkCapture(b *testing.B) {
	server := mariadbtest.Start(b)
	ways := []string{"none", "triggers", "binlog"}
	beds := map[string]*bed{}
	for _, way := range ways {
		beds[way] = newBed(b, server, way)
	}
	for _, writers := range []int{1, 4} {
		rates := map[string][]float64{}
		for range 5 {
			for _, way := range ways {
				rates[way] = append(rates[way], beds[way].insert(b, writers))
			}
		}
		none := middle(rates["none"])
		for _, way := range ways {
			b.Logf("%d writers, %-8s %6.0f inserts a second, %.2f of none", writers, way, middle(rates[way]), middle(rates[way])/none)
			b.ReportMetric(middle(rates[way])/none, fmt.Sprintf("%s/none-%dw", way, writers))
		}
	}
	for _, way := range ways[1:] {
		delays := beds[way].delays(b, 200)
		b.Logf("%-8s commit to mark: median %s, p99 %s", way, delays[len(delays)/2], delays[len(delays)*99/100])
		b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), way+"-median-µs")
		b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), way+"-p99-µs")
	}
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// bed is a database with a table that is captured one way.
type bed struct {
	db   *sql.DB
	next atomic.Int64
}

func newBed(b *testing.B, server *mariadbtest.Server, way string) *bed {
	b.Helper()
	url := server.CreateDatabase(b)
	db, err := sql.Open("mysql", server.DSN(url[strings.LastIndexByte(url, '/')+1:])+"?interpolateParams=true")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxIdleConns(8)
	opts := store.Options{Capture: store.ByTriggers}
	if way == "binlog" {
		opts.Capture = store.ByBinlog
	}
	s, err := store.Open(b.Context(), url, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := db.Exec("CREATE TABLE items (id BIGINT PRIMARY KEY, sku VARCHAR(20), title VARCHAR(100), qty INT, price DECIMAL(10,2), note TEXT)"); err != nil {
		b.Fatal(err)
	}
	info, err := s.Table(b.Context(), "items")
	if err != nil {
		b.Fatal(err)
	}
	link := tandem.Link{ID: "items", Table: "items", SpreadsheetID: "1AbC", Tab: "items", HeaderRow: 1, TimeZone: "UTC", Key: info.Key, Policy: tandem.LastWriteWins}
	for _, column := range info.Columns {
		link.Columns = append(link.Columns, tandem.LinkColumn{Column: column.Name, Header: column.Name})
	}
	if link, err = s.CreateLink(b.Context(), link); err != nil {
		b.Fatal(err)
	}
	if way == "none" {
		return &bed{db: db}
	}
	if _, err := db.Exec("UPDATE tandem_links SET state = 'INITIAL_SYNC'"); err != nil {
		b.Fatal(err)
	}
	link.State = tandem.StateInitialSync
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.ReadBinlog(ctx, "bench"); close(done) }()
	b.Cleanup(func() { cancel(); <-done })
	if err := s.Capture(b.Context(), &link); err != nil {
		b.Fatal(err)
	}
	return &bed{db: db}
}

// insert returns the inserts a second of some writers, one row a transaction.
func (d *bed) insert(b *testing.B, writers int) float64 {
	b.Helper()
	const rows = 2000
	began := time.Now()
	var all sync.WaitGroup
	var failure atomic.Pointer[error]
	for range writers {
		all.Go(func() {
			for range rows / writers {
				n := d.next.Add(1)
				if _, err := d.db.Exec("INSERT INTO items VALUES (?,?,?,?,?,?)", n, fmt.Sprint("sku", n), "a title of a usual length", n%100, "19.99", "a note"); err != nil {
					failure.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failure.Load(); err != nil {
		b.Fatal(*err)
	}
	return rows / time.Since(began).Seconds()
}

// delays returns how long marks took to be there after the commits, sorted. Each commit comes after a pause, as those do that
// people wait for.
func (d *bed) delays(b *testing.B, count int) []time.Duration {
	b.Helper()
	var all []time.Duration
	for range count {
		n := d.next.Add(1)
		if _, err := d.db.Exec("INSERT INTO items (id) VALUES (?)", n); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		for found := 0; found == 0; {
			if err := d.db.QueryRow("SELECT COUNT(*) FROM tandem_marks WHERE row_key = ?", fmt.Sprint(n)).Scan(&found); err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, time.Since(began))
		if _, err := d.db.Exec("DELETE FROM tandem_marks"); err != nil {
			b.Fatal(err)
		}
		time.Sleep(25 * time.Millisecond)
	}
	slices.Sort(all)
	return all
}
