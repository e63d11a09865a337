// Command bare is the rival of the API in benchmarks: net/http and database/sql, and nothing else. It knows its table, so it
// scans each column into a field of its type and lets encoding/json write the struct. It has no authentication, validation,
// marks or history; it answers in the shape of Tandem's rows, with an entity tag made of the time of the last change.
package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	_ "github.com/glebarez/go-sqlite"
	_ "github.com/go-sql-driver/mysql"
)

const columns = "id, code, title, notes, score, price, views, active, born, seen_at, ratio, updated_at"

// values are the columns as they stand in JSON: numbers that JSON might round are text.
type values struct {
	ID        int64    `json:"id"`
	Code      *string  `json:"code"`
	Title     *string  `json:"title"`
	Notes     *string  `json:"notes"`
	Score     *int64   `json:"score"`
	Price     *string  `json:"price"`
	Views     *string  `json:"views"`
	Active    *bool    `json:"active"`
	Born      *string  `json:"born"`
	SeenAt    *string  `json:"seen_at"`
	Ratio     *float64 `json:"ratio"`
	UpdatedAt *string  `json:"updated_at"`
}

type row struct {
	Name       string `json:"name"`
	Values     values `json:"values"`
	Etag       string `json:"etag"`
	UpdateTime string `json:"updateTime"`
	SyncState  string `json:"syncState"`
	SyncError  string `json:"syncError"`
	Position   int    `json:"position"`
}

type page struct {
	Rows          []row  `json:"rows"`
	NextPageToken string `json:"nextPageToken"`
	SnapshotTime  string `json:"snapshotTime"`
}

type scanner interface{ Scan(into ...any) error }

func scan(from scanner) (r row, err error) {
	v := &r.Values
	err = from.Scan(&v.ID, &v.Code, &v.Title, &v.Notes, &v.Score, &v.Price, &v.Views, &v.Active, &v.Born, &v.SeenAt, &v.Ratio, &v.UpdatedAt)
	if err != nil {
		return r, err
	}
	r.Name = "links/bench/sources/database/rows/" + strconv.FormatInt(v.ID, 10)
	r.SyncState = "IN_SYNC"
	if v.UpdatedAt != nil {
		r.UpdateTime = *v.UpdatedAt
		if at, err := time.Parse("2006-01-02 15:04:05.999999", *v.UpdatedAt); err == nil {
			r.Etag = strconv.FormatInt(at.UnixMicro(), 36)
			r.UpdateTime = at.Format(time.RFC3339Nano)
		}
	}
	return r, nil
}

type handler struct{ db *sql.DB }

func (h handler) get(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	found, err := scan(h.db.QueryRowContext(r.Context(), "SELECT "+columns+" FROM bench WHERE id = ?", id))
	answer(w, &found, err)
}

func (h handler) list(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.FormValue("page_size"))
	after, _ := strconv.ParseInt(r.FormValue("after"), 10, 64)
	rows, err := h.db.QueryContext(r.Context(), "SELECT "+columns+" FROM bench WHERE id > ? ORDER BY id LIMIT ?", after, size+1)
	if err != nil {
		answer(w, nil, err)
		return
	}
	defer rows.Close()
	found := page{Rows: make([]row, 0, size+1), SnapshotTime: time.Now().UTC().Format(time.RFC3339Nano)}
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			answer(w, nil, err)
			return
		}
		found.Rows = append(found.Rows, one)
	}
	if len(found.Rows) > size {
		found.Rows = found.Rows[:size]
		found.NextPageToken = strconv.FormatInt(found.Rows[size-1].Values.ID, 10)
	}
	answer(w, &found, rows.Err())
}

func (h handler) create(w http.ResponseWriter, r *http.Request) {
	var given row
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&given); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v := &given.Values
	made, err := scan(h.db.QueryRowContext(r.Context(), `INSERT INTO bench (code, title, notes, score, price, views, active, born, seen_at, ratio)
		VALUES (?,?,?,?,?,?,?,?,?,?) RETURNING `+columns, v.Code, v.Title, v.Notes, v.Score, v.Price, v.Views, v.Active, v.Born, v.SeenAt, v.Ratio))
	answer(w, &made, err)
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

func main() {
	driver := flag.String("driver", "mysql", "mysql or sqlite")
	dsn := flag.String("dsn", "", "address of the database, as the driver takes it")
	flag.Parse()
	db, err := sql.Open(*driver, *dsn)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(8)
	mux, h := http.NewServeMux(), handler{db}
	mux.HandleFunc("GET /rows/{id}", h.get)
	mux.HandleFunc("GET /rows", h.list)
	mux.HandleFunc("POST /rows", h.create)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}
