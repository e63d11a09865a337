package sheets_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

var wideColumns = []tandem.Column{
	{Name: "id", Type: tandem.Type{Kind: tandem.Int, Bits: 64}, KeyPosition: 1},
	{Name: "title", Type: tandem.Type{Kind: tandem.String, Length: 200}},
	{Name: "score", Type: tandem.Type{Kind: tandem.Decimal, Precision: 6, Scale: 2}},
	{Name: "airs", Type: tandem.Type{Kind: tandem.Bool}},
	{Name: "studio", Type: tandem.Type{Kind: tandem.String, Length: 60}},
	{Name: "aired", Type: tandem.Type{Kind: tandem.Date}},
	{Name: "changed", Type: tandem.Type{Kind: tandem.DateTime, Fraction: 3}},
	{Name: "episodes", Type: tandem.Type{Kind: tandem.Int, Bits: 32}},
	{Name: "rating", Type: tandem.Type{Kind: tandem.Float, Bits: 64}},
	{Name: "notes", Type: tandem.Type{Kind: tandem.String, Length: 500}},
}

// answerFiles are the answers to a read of a whole tab of 10 columns, and to one of its key column, on disk: what holds them
// in memory would hide what reading them takes.
func answerFiles(b *testing.B, rows int) (whole, keys string) {
	dir := b.TempDir()
	whole, keys = filepath.Join(dir, "whole"), filepath.Join(dir, "keys")
	write := func(path, start, end string, row func(r int) string) {
		file, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		w := bufio.NewWriter(file)
		defer w.Flush()
		_, _ = w.WriteString(start)
		for r := range rows {
			_, _ = w.WriteString(row(r))
		}
		_, _ = w.WriteString(end)
	}
	header := `["id","title","score","airs","studio","aired","changed","episodes","rating","notes"]`
	write(whole, `{"range":"'Anime'!A1:J`+strconv.Itoa(rows+1)+`","majorDimension":"ROWS","values":[`+header, `]}`, func(r int) string {
		return fmt.Sprintf(`,[%d,"title of the row %d",%d.%d,%t,"studio %d",%d,%d.%05d,%d,%g,"a note \"%d\" – ü"]`,
			r*7919%rows, r, r%10, 1+r%9, r%2 == 0, r%300, 30000+r%15000, 40000+r%5000, r%86400*1157%100000, r%26, float64(r%1000)/7, r%5000)
	})
	write(keys, `{"spreadsheetId":"1world","valueRanges":[{"range":"'Anime'!A1:J1","majorDimension":"ROWS","values":[`+header+
		`]},{"range":"'Anime'!A1:A`+strconv.Itoa(rows+1)+`","majorDimension":"ROWS","values":[["id"]`, `]}]}`,
		func(r int) string { return fmt.Sprintf(",[%d]", r*7919%rows) })
	return whole, keys
}

// files answers with the answer files.
type files struct{ whole, keys string }

func (f files) RoundTrip(request *http.Request) (*http.Response, error) {
	path := f.whole
	if strings.HasSuffix(request.URL.Path, ":batchGet") {
		path = f.keys
	}
	body, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: request}, nil
}

// watchHeap returns what stops it and tells by how much the heap grew at most.
func watchHeap() func() float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64()
	}
	runtime.GC()
	before, peak := read(), uint64(0)
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				peak = max(peak, read())
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-done
		return float64(peak-min(before, peak)) / 1e6
	}
}

// processor is how much processor time the process has used: unlike the clock, it does not tell of others on the machine.
func processor() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkScan reads tabs of ten columns from the very same answers through Google's own client (stock), by a Scan that
// finds something new, by one that finds nothing new, and the key column alone. peak-MB is by how much
// the heap grew, cpu-ms what all threads worked.
func BenchmarkScan(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		whole, keys := answerFiles(b, rows)
		open := func() *sheets.Tab {
			client, err := sheets.New(b.Context(), sheets.Options{Endpoint: "http://files", HTTPClient: &http.Client{Transport: files{whole, keys}}})
			if err != nil {
				b.Fatal(err)
			}
			link := &tandem.Link{ID: "anime", SpreadsheetID: spreadsheet, Tab: "Anime", HeaderRow: 1, Key: []string{"id"}}
			return client.Open(link, wideColumns)
		}
		tab := open()
		scan, err := tab.Scan(b.Context())
		if err != nil || len(scan.Rows) != rows {
			b.Fatalf("Scan: %v", err)
		}
		digest := scan.Digest
		scan = nil
		read := func(name string, do func(ctx context.Context) error) {
			b.Run(fmt.Sprintf("%s/rows=%d", name, rows), func(b *testing.B) {
				b.ReportAllocs()
				stop, used := watchHeap(), processor()
				b.ResetTimer()
				for b.Loop() {
					if err := do(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(processor()-used)/1e6/float64(b.N), "cpu-ms/op")
				b.ReportMetric(stop(), "peak-MB")
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
		read("stock", func(ctx context.Context) error { _, err := tab.StockValues(ctx); return err })
		read("something new", func(ctx context.Context) error { _, err := tab.Scan(ctx); return err })
		read("compared, then new", func(ctx context.Context) error { _, err := tab.ScanUnless(ctx, "other"); return err })
		read("nothing new", func(ctx context.Context) error {
			scan, err := tab.ScanUnless(ctx, digest)
			if err == nil && !scan.Same {
				return errors.New("something is new")
			}
			return err
		})
		read("keys", func(ctx context.Context) error {
			n, err := tab.ReadKeys(ctx)
			if err == nil && n != rows {
				return fmt.Errorf("%d keys", n)
			}
			return err
		})
		read("bytes alone", func(context.Context) error {
			file, err := os.Open(whole)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{file})
			return err
		})
	}
}
