package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// TestFiveMillionCells creates 500,000 rows of 10 columns over the API, reads them whole, as values and as cells,
// and sorts them, within 2 GB.
func TestFiveMillionCells(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	const rows, cols, chunk = 500_000, 10, 25_000
	var peak uint64
	note := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.Sys-m.HeapReleased)
	}
	e := emulator.New(emulator.Options{Seed: 1})
	defer e.Close()
	id, err := e.Create(emulator.Spreadsheet{Title: "Large"})
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path, body string) int64 {
		t.Helper()
		r, err := http.NewRequest(method, "http://emulator/v4/spreadsheets/"+id+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		w := &discard{header: http.Header{}}
		start := time.Now()
		e.ServeHTTP(w, r)
		note()
		if w.code != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, path, w.code, w.head)
		}
		t.Logf("%s %s: %v, %d bytes, peak %d MB", method, path, time.Since(start).Round(time.Millisecond), w.n, peak>>20)
		return w.n
	}
	do("POST", ":batchUpdate", fmt.Sprintf(`{"requests":[{"updateSheetProperties":{"fields":"gridProperties.rowCount,gridProperties.columnCount",
		"properties":{"gridProperties":{"rowCount":%d,"columnCount":%d}}}}]}`, rows, cols))
	for from := 0; from < rows; from += chunk {
		var b strings.Builder
		b.WriteString(`{"values":[`)
		for r := from; r < from+chunk; r++ {
			if r > from {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `[%d,"title of row %d",7.5,true,"abc","d%d",%d,"",null,"end"]`, (r*7919)%rows, r, r%100, r*3)
		}
		b.WriteString(`]}`)
		do("PUT", fmt.Sprintf("/values/A%d:J%d?valueInputOption=RAW", from+1, from+chunk), b.String())
	}
	if n := do("GET", "/values/A1:J500000?valueRenderOption=UNFORMATTED_VALUE", ""); n < rows*40 {
		t.Errorf("values: %d bytes are too few", n)
	}
	if n := do("GET", "?includeGridData=true", ""); n < rows*400 {
		t.Errorf("grid data: %d bytes are too few", n)
	}
	do("POST", ":batchUpdate", `{"requests":[{"sortRange":{"range":{"startRowIndex":0},"sortSpecs":[{"dimensionIndex":0}]}}]}`)
	if limit := uint64(2 << 30); peak > limit {
		t.Errorf("took %d MB, more than %d", peak>>20, limit>>20)
	}
}

type discard struct {
	header http.Header
	code   int
	n      int64
	head   string
}

func (d *discard) Header() http.Header  { return d.header }
func (d *discard) WriteHeader(code int) { d.code = code }
func (d *discard) Write(p []byte) (int, error) {
	if d.n == 0 {
		d.head = string(p[:min(len(p), 300)])
	}
	d.n += int64(len(p))
	return io.Discard.Write(p)
}
