package sheets_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

var values = cmp.Comparer(func(a, b tandem.Value) bool { return a == b })

// randomCells are cells of all kinds, in few enough variants that keys repeat.
func randomCells(random *rand.Rand, width int) []any {
	row := make([]any, 0, width)
	for range random.IntN(width + 1) {
		row = append(row, []any{nil, "", " ", "a", "Ü😀\n\"\\", "00123", "#N/A", "#REF!", "~", "a~0", "1~", true, false, 0, 1, 2, 17, -3, 2.5, 1e15, 123456789012345, 0.1,
			44000, 44000.25, 44647.1, "2026-11-21", "x" + strconv.Itoa(random.IntN(9)), random.IntN(30), emulator.Formula("=1/0"), emulator.Formula("=2+3"),
			emulator.Formula(`=""`)}[random.IntN(31)])
	}
	return row
}

// Reading a tab row by row finds what building every cell does, on tabs of all kinds.
func TestScanAsStock(t *testing.T) {
	columns := decodedColumns(t)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 5))
		linked := make([]tandem.Column, 1+random.IntN(4))
		keys, header := 1+random.IntN(min(2, len(linked))), []any{}
		for i := range linked {
			linked[i] = columns[random.IntN(len(columns))]
			linked[i].Name = fmt.Sprint("c", i)
			if i < keys {
				linked[i].KeyPosition = i + 1
			}
			header = append(header, linked[i].Name)
		}
		header = append(header, "Notes")
		random.Shuffle(len(header), func(i, j int) { header[i], header[j] = header[j], header[i] })
		rows := [][]any{header}
		for range random.IntN(60) {
			rows = append(rows, randomCells(random, len(header)+1))
		}
		w := newWorld(t, rows, linked)
		got, err := w.tab.Scan(t.Context())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, bad, err := w.tab.StockScan(t.Context())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff([]any{want, bad}, []any{got.Rows, got.Bad}, values); diff != "" && len(want)+len(bad)+len(got.Rows)+len(got.Bad) > 0 {
			t.Fatalf("seed %d (-stock +scan):\n%s", seed, diff)
		}
		again, err := w.tab.ScanUnless(t.Context(), got.Digest)
		if err != nil || !again.Same || again.Digest != got.Digest || len(again.Rows)+len(again.Bad) > 0 {
			t.Fatalf("seed %d: nothing changed, and a second read is %+v, %v", seed, again, err)
		}
		fresh, err := w.newClient().Open(w.link, linked).ScanUnless(t.Context(), "other")
		if err != nil || fresh.Same || fresh.Digest != got.Digest {
			t.Fatalf("seed %d: another process has the digest %q, not %q, %v", seed, fresh.Digest, got.Digest, err)
		}
		if diff := cmp.Diff([]any{got.Rows, got.Bad}, []any{fresh.Rows, fresh.Bad}, values); diff != "" {
			t.Fatalf("seed %d (-at once +compared first):\n%s", seed, diff)
		}
	}
}

// The digest changes with everything that rows are made of, and with nothing else.
func TestDigest(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	w.edit(setCell("B7", "=12"), setCell("A7", "6")) // a number in a text column
	format := func(pattern string) {
		w.call("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{map[string]any{"repeatCell": map[string]any{
			"range":  map[string]any{"sheetId": w.link.SheetID, "startRowIndex": 6, "endRowIndex": 7, "startColumnIndex": 1, "endColumnIndex": 2},
			"cell":   map[string]any{"userEnteredFormat": map[string]any{"numberFormat": map[string]any{"type": "NUMBER", "pattern": pattern}}},
			"fields": "userEnteredFormat.numberFormat"}}}}, nil)
	}
	steps := []struct {
		name string
		do   func()
		same bool
	}{
		{"nothing", func() {}, true},
		{"a cell of somebody's column", func() { w.edit(setCell("C3", "theirs")) }, true},
		{"a column inserted before", func() { w.edit(insertColumn("A", "New")) }, true},
		{"and deleted", func() { w.edit(edit{"deleteColumn": {"sheet": "Anime", "column": "A"}}) }, true},
		{"the tab's name", func() { w.edit(edit{"renameSheet": {"sheet": "Anime", "title": "Films"}}) }, true},
		{"and back", func() { w.edit(edit{"renameSheet": {"sheet": "Films", "title": "Anime"}}) }, true},
		{"a cell", func() { w.edit(setCell("B3", "changed")) }, false},
		{"a cell emptied", func() { w.edit(edit{"clear": {"sheet": "Anime", "a1": "D4"}}) }, false},
		{"a number as text", func() { w.edit(setCell("D5", "'9")) }, false},
		{"rows sorted", func() { w.edit(sortBy("ID", true)) }, false},
		{"and sorted back", func() { w.edit(sortBy("ID", false)) }, false},
		{"an empty row inserted", func() { w.edit(insertRows(2, 1)) }, false},
		{"and deleted", func() { w.edit(deleteRows(2, 1)) }, false},
		{"a row deleted", func() { w.edit(deleteRows(6, 1)) }, false},
		{"a row without a key", func() { w.edit(setCell("B9", "new")) }, false},
		{"a header gone", func() { w.edit(setCell("B1", "Name")) }, false},
		{"and there again", func() { w.edit(setCell("B1", "title")) }, false},
		{"how an ambiguous number is shown", func() { w.edit(insertRows(6, 1)); format("000") }, false},
	}
	digest := w.scan().Digest
	for _, step := range steps {
		step.do()
		got, err := w.tab.ScanUnless(t.Context(), digest)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		whole := w.scan()
		if got.Same != step.same || got.Digest != whole.Digest || (got.Digest == digest) != step.same {
			t.Errorf("%s: Same is %t, want %t; digests %s, then %s, by a whole scan %s", step.name, got.Same, step.same, digest, got.Digest, whole.Digest)
		}
		if want, _, err := w.tab.StockScan(t.Context()); err != nil || !got.Same && !cmp.Equal(want, got.Rows, values) {
			t.Errorf("%s: rows %v, want %v, %v", step.name, got.Rows, want, err)
		}
		digest = whole.Digest
	}
	format("0000")
	if got, err := w.tab.ScanUnless(t.Context(), digest); err != nil || got.Same {
		t.Errorf("a number is shown otherwise, and the scan is Same: %v", err)
	}
	link := *w.link
	other := append([]tandem.Column{}, animeColumns...)
	other[2].Type.Scale = 1
	if got, err := w.client.Open(&link, other).ScanUnless(t.Context(), w.scan().Digest); err != nil || got.Same {
		t.Errorf("a column has another type, and the scan is Same: %v", err)
	}
}

// A read that finds nothing new knows where rows stand as well as one that does.
func TestSameKeepsPlaces(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	scan := w.scan()
	w.edit(insertColumn("A", "New"))
	if got, err := w.tab.ScanUnless(t.Context(), scan.Digest); err != nil || !got.Same {
		t.Fatalf("%+v, %v", got, err)
	}
	change := tandem.Change{Kind: tandem.Update, Key: "3", Before: scan.Rows[2].Values, After: []tandem.Value{{}, text("PAPRIKA"), {}, {}}}
	batch, _ := w.prepare(change)
	w.wantOutcomes(w.send(batch), tandem.Landed)
	if row := w.row("3"); row.Values[1].Text() != "PAPRIKA" || row.Position != 4 {
		t.Errorf("row 3 is %+v", row)
	}
}

// A new row needs no read of the keys after a read of the tab that found nothing new.
func TestSameIsFresh(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	if err := w.tab.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	digest := w.scan().Digest
	w.now.Add(int64(time.Minute))
	if got, err := w.tab.ScanUnless(t.Context(), digest); err != nil || !got.Same {
		t.Fatalf("%+v, %v", got, err)
	}
	reads, _ := w.counted(func() { w.prepare(insert("8", text("8"), text("x"), tandem.Null, tandem.Null)) })
	if reads != 0 {
		t.Errorf("%d reads", reads)
	}
	places, count, end := w.tab.Known("5", "6")
	if diff := cmp.Diff(map[tandem.Key][]int{"5": {6}}, places); diff != "" || count != 5 || end != 6 {
		t.Errorf("%d keys, end %d: %s", count, end, diff)
	}
}

// Where rows stand is part of the digest, since problems of rows name it.
func TestDigestTellsPlaces(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	digest := w.scan().Digest
	w.edit(insertRows(3, 1))
	if got, err := w.tab.ScanUnless(t.Context(), digest); err != nil || got.Same || got.Rows[1].Position != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A tab whose answer is too large to be kept while it is compared is read once more when it is new.
func TestLargeTabComparedThenRead(t *testing.T) {
	rows := [][]any{{"ID", "Title"}}
	long := strings.Repeat("long text ", 4500)
	for i := range 1600 {
		rows = append(rows, []any{i, long})
	}
	columns := []tandem.Column{idColumn, {Name: "title", Type: tandem.Type{Kind: tandem.String}}}
	w := newWorld(t, rows, columns)
	for try, want := range []int64{2, 2} { // also when it is known from the last read that it will not be kept
		var scan *sheets.Scan
		var err error
		reads, _ := w.counted(func() { scan, err = w.tab.ScanUnless(t.Context(), "other") })
		if err != nil || scan.Same || len(scan.Rows) != 1600 || scan.Rows[1599].Values[1].Text() != long || reads != want {
			t.Fatalf("try %d: %d reads, %v", try, reads, err)
		}
		digest := scan.Digest
		reads, _ = w.counted(func() { scan, err = w.tab.ScanUnless(t.Context(), digest) })
		if err != nil || !scan.Same || reads != 1 {
			t.Fatalf("try %d: %d reads for nothing new, %v", try, reads, err)
		}
	}
}

// tampered changes the answers to reads of values.
type tampered struct {
	base   http.RoundTripper
	change func(*http.Response) error
	on     atomic.Bool
}

func (r *tampered) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.base.RoundTrip(request)
	if err == nil && r.on.Load() && strings.Contains(request.URL.Path, "/values") {
		err = r.change(answer)
	}
	return answer, err
}

// What is not a whole, sound answer fails; it never shows fewer rows.
func TestTamperedAnswers(t *testing.T) {
	body := func(change func([]byte) io.Reader) func(*http.Response) error {
		return func(answer *http.Response) error {
			data, err := io.ReadAll(answer.Body)
			answer.Body = io.NopCloser(change(data))
			return err
		}
	}
	bytesOf := func(change func([]byte) []byte) func(*http.Response) error {
		return body(func(b []byte) io.Reader { return bytes.NewReader(change(b)) })
	}
	reset := errors.New("connection reset by peer")
	tests := map[string]func(*http.Response) error{
		"half":                bytesOf(func(b []byte) []byte { return b[:len(b)/2] }),
		"all but the end":     bytesOf(func(b []byte) []byte { return bytes.TrimSpace(b)[:len(bytes.TrimSpace(b))-1] }),
		"nothing":             bytesOf(func([]byte) []byte { return nil }),
		"no object":           bytesOf(func([]byte) []byte { return []byte("null") }),
		"a page":              bytesOf(func([]byte) []byte { return []byte("<html>sign in to the network</html>") }),
		"garbage in the rows": bytesOf(func(b []byte) []byte { return bytes.Replace(b, []byte(`"Totoro"`), []byte(`Totoro`), 1) }),
		"twice":               bytesOf(func(b []byte) []byte { return append(b, b...) }),
		"values twice": bytesOf(func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"values"`), []byte(`"values":[],"values"`), 1)
		}),
		"broken off":       body(func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b[:len(b)/2]), failing{reset}) }),
		"broken off later": body(func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), failing{reset}) }),
		"no content": func(answer *http.Response) error {
			answer.StatusCode = http.StatusNoContent
			answer.Body = http.NoBody
			return nil
		},
		"moved": func(answer *http.Response) error { answer.StatusCode = http.StatusNotModified; return nil },
		"compressed, unasked": bytesOf(func(b []byte) []byte {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write(b)
			_ = w.Close()
			return packed.Bytes()
		}),
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, anime(), animeColumns)
			between := &tampered{base: http.DefaultTransport, change: change}
			client, err := sheets.New(t.Context(), sheets.Options{Endpoint: w.server.URL, HTTPClient: &http.Client{Transport: between}})
			if err != nil {
				t.Fatal(err)
			}
			tab := client.Open(w.link, animeColumns)
			scan, err := tab.Scan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			between.on.Store(true)
			for call, read := range map[string]func() (*sheets.Scan, error){
				"Scan":               func() (*sheets.Scan, error) { return tab.Scan(t.Context()) },
				"ScanUnless":         func() (*sheets.Scan, error) { return tab.ScanUnless(t.Context(), scan.Digest) },
				"ScanUnless, if new": func() (*sheets.Scan, error) { return tab.ScanUnless(t.Context(), "other") },
				"Find":               func() (*sheets.Scan, error) { return tab.Find(t.Context(), []tandem.Key{"2"}) },
			} {
				if name == "garbage in the rows" && call == "Find" {
					continue // it does not read that row
				}
				if got, err := read(); !errors.Is(err, tandem.ErrUnavailable) {
					var problem *tandem.Error
					if !errors.As(err, &problem) {
						t.Errorf("%s: %+v, %v", call, got, err)
					}
				}
			}
			between.on.Store(false)
			if again, err := tab.ScanUnless(t.Context(), scan.Digest); err != nil || !again.Same {
				t.Errorf("afterwards: %+v, %v", again, err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Answers are asked for compressed, and read so.
func TestCompressedAnswers(t *testing.T) {
	w := newWorld(t, anime(), animeColumns)
	asked := atomic.Int64{}
	w.server.Config.Handler = packing(w.server.Config.Handler, &asked)
	scan := w.scan()
	found, err := w.tab.Find(t.Context(), []tandem.Key{"2"})
	if err != nil || len(scan.Rows) != 5 || len(found.Rows) != 1 || asked.Load() < 2 {
		t.Errorf("%d rows, %+v, %v; compressed: %d", len(scan.Rows), found, err, asked.Load())
	}
}

func packing(handler http.Handler, asked *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || !strings.Contains(r.Header.Get("User-Agent"), "gzip") {
			handler.ServeHTTP(w, r)
			return
		}
		asked.Add(1)
		r.Header.Del("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer packed.Close()
		handler.ServeHTTP(packedWriter{w, packed}, r)
	})
}

type packedWriter struct {
	http.ResponseWriter
	to io.Writer
}

func (w packedWriter) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w packedWriter) Write(b []byte) (int, error) { return w.to.Write(b) }
