package emulator

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"
)

//go:embed page
var pageFiles embed.FS

// pageRoutes serve the page and what it reads. It edits through POST …/edits, as a person would, so that the
// hook fires.
func (e *Emulator) pageRoutes(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	server := http.FileServerFS(files)
	mux.Handle("GET /{$}", server)
	mux.Handle("GET /emulator/page/", http.StripPrefix("/emulator/page/", server))
	mux.HandleFunc("GET /emulator/spreadsheets", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, e.pageList()) })
	mux.HandleFunc("GET /emulator/spreadsheets/{id}", func(w http.ResponseWriter, r *http.Request) {
		view, err := e.pageView(r)
		if err != nil {
			e.answerError(w, r, err)
			return
		}
		writeJSON(w, view)
	})
	mux.HandleFunc("GET /emulator/spreadsheets/{id}/events", e.pageEvents)
}

type pageEntry struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (e *Emulator) pageList() map[string][]pageEntry {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []pageEntry{}
	for _, id := range e.order {
		if f := e.files[id]; f.document != nil && !f.trashed {
			out = append(out, pageEntry{id, f.name})
		}
	}
	return map[string][]pageEntry{"spreadsheets": out}
}

// pageCell is a cell as the page shows it; Input is what to put into the editor when it differs from Text.
type pageCell struct {
	Text  string `json:"t"`
	Input string `json:"i,omitempty"`
	Kind  string `json:"k,omitempty"`
	Note  string `json:"n,omitempty"`
	Color string `json:"c,omitempty"`
}

type pageTab struct {
	Title  string `json:"title"`
	Hidden bool   `json:"hidden"`
}

type pageSheet struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Tabs    []pageTab    `json:"tabs"`
	Sheet   string       `json:"sheet"`
	Rows    int          `json:"rows"`
	Columns int          `json:"columns"`
	LastRow int          `json:"lastRow"`
	From    int          `json:"from"`
	Cells   [][]pageCell `json:"cells"`
}

// maxShownRows is how much of a tab the page can show.
const maxShownRows = 5000

// pageView is part of one tab: rows from (counted from 1) on.
func (e *Emulator) pageView(r *http.Request) (*pageSheet, error) {
	d := e.document(r.PathValue("id"))
	if d == nil {
		return nil, notFound()
	}
	b := d.state()
	s := b.exactTitle(r.URL.Query().Get("sheet"))
	if s == nil {
		s = b.firstVisible()
	}
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 1 {
		from = 1
	}
	count, err := strconv.Atoi(r.URL.Query().Get("count"))
	if err != nil || count < 1 || count > maxShownRows {
		count = 100
	}
	view := &pageSheet{ID: b.id, Title: text(b.props, "title"), Sheet: s.title, Rows: s.rows, Columns: s.cols,
		LastRow: s.lastRow(), From: from, Cells: [][]pageCell{}}
	for _, t := range b.sheets {
		view.Tabs = append(view.Tabs, pageTab{t.title, t.hidden})
	}
	for row := from - 1; row < min(from-1+count, len(s.data)); row++ {
		line := s.line(row)
		cells := make([]pageCell, trimmed(line, 0, s.cols, kept))
		for c := range cells {
			cells[c] = b.pageCell(&line[c])
		}
		view.Cells = append(view.Cells, cells)
	}
	return view, nil
}

func (b *book) pageCell(c *cell) pageCell {
	kinds := [...]string{numberCell: "number", boolCell: "bool", textCell: "", errorCell: "error"}
	out := pageCell{Text: b.display(c), Kind: kinds[c.kind], Note: c.extras().note}
	switch {
	case c.formula() != nil:
		out.Input = c.formula().source
	case c.kind == textCell && b.parseInput(c.text, b.style(c.style).number).value != c.value():
		out.Input = "'" + c.text // typed back as it is shown it would become something else
	}
	if fill := child(b.style(c.style).format, "backgroundColor"); fill != nil {
		level := func(name string) int {
			f, _ := fill[name].(float32)
			return int(f*255 + 0.5)
		}
		out.Color = fmt.Sprintf("rgb(%d %d %d)", level("red"), level("green"), level("blue"))
	}
	return out
}

// pageEvents tells the page, as server-sent events, that the spreadsheet changed. The page then reads anew: the
// event carries nothing.
func (e *Emulator) pageEvents(w http.ResponseWriter, r *http.Request) {
	d := e.document(r.PathValue("id"))
	if d == nil {
		e.answerError(w, r, notFound())
		return
	}
	out := http.NewResponseController(w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return
	}
	changed, stop := d.watch()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for message := "event: ready\ndata:\n\n"; ; {
		if _, err := w.Write([]byte(message)); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
			message = "event: change\ndata:\n\n"
		case <-beat.C:
			message = ": still here\n\n"
		case <-e.closed:
			return
		case <-r.Context().Done():
			return
		}
	}
}
