package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store"
)

// uninstalled runs `tandem uninstall` and returns what it said.
func uninstalled(config server.Config, options server.UninstallOptions) (string, error) {
	var out strings.Builder
	err := server.Uninstall(context.Background(), config, options, &out)
	return out.String(), err
}

// spreadsheetOf asks for a part of the spreadsheet as Google's API shows it.
func spreadsheetOf(t *testing.T, config server.Config, part string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.SheetsEndpoint+"/v4/spreadsheets/"+standSheet+part, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", part, response.Status, err)
	}
}

func TestUninstall(t *testing.T) {
	t.Parallel()
	config, db, _ := alertStand(t)
	ours := func() (names []string) {
		rows, err := db.Query("SELECT type || ' ' || name FROM sqlite_master WHERE name LIKE '%tandem%' AND name NOT LIKE 'sqlite_%' ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		return names
	}
	tabs := func() (titles []string) {
		var book struct {
			Sheets []struct {
				Properties        struct{ Title string }
				DeveloperMetadata []any
			}
			DeveloperMetadata []any
		}
		spreadsheetOf(t, config, "?fields=sheets(properties.title,developerMetadata),developerMetadata", &book)
		for _, sheet := range book.Sheets {
			titles = append(titles, sheet.Properties.Title)
			if len(sheet.DeveloperMetadata) > 0 {
				titles = append(titles, fmt.Sprint(sheet.Properties.Title, " with metadata"))
			}
		}
		if len(book.DeveloperMetadata) > 0 {
			titles = append(titles, "metadata")
		}
		return titles
	}
	if _, err := db.Exec("CREATE TABLE tandem_bikes (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}

	address, stop := serveOn(t, config)
	s := &stand{T: t, url: address}
	s.link("goods", "Goods")
	// A guarded write makes the hidden tab.
	if _, err := db.Exec("UPDATE goods SET title = 'changed' WHERE id = 3"); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() string {
		row := s.must("GET", "/v1/links/goods/sources/sheet/rows/3?max_staleness=0s", "")
		if row["values"].(map[string]any)["title"] != "changed" || row["syncState"] != "IN_SYNC" {
			return fmt.Sprint(row)
		}
		return ""
	})
	before := ours()
	if out, err := uninstalled(config, server.UninstallOptions{Sheets: true}); err == nil || !strings.Contains(err.Error(), "still running") || out != "" {
		t.Errorf("under a running server: %v\n%s", err, out)
	}
	if got := ours(); !slices.Equal(got, before) {
		t.Errorf("an uninstall that was refused left %v of %v", got, before)
	}
	s.must("GET", "/v1/links/goods", "")
	stop()
	if got := tabs(); len(got) < 3 {
		t.Errorf("there is nothing to remove in the spreadsheet: %v", got)
	}

	out, err := uninstalled(config, server.UninstallOptions{Sheets: true})
	if err != nil || !strings.Contains(out, "removed  spreadsheet "+standSheet) || !strings.Contains(out, "tandem_links") || strings.Contains(out, "FAILED") {
		t.Errorf("uninstall: %v\n%s", err, out)
	}
	if got := ours(); !slices.Equal(got, []string{"table tandem_bikes"}) {
		t.Errorf("the database still has %v", got)
	}
	if got := tabs(); !slices.Equal(got, []string{"Goods"}) {
		t.Errorf("the spreadsheet still has %v", got)
	}
	var n int
	if err := db.QueryRow("SELECT COUNT(*) FROM goods").Scan(&n); err != nil || n != manyRows {
		t.Errorf("the table has %d rows (%v), had %d", n, err, manyRows)
	}
	var values struct{ Values [][]any }
	spreadsheetOf(t, config, "/values/Goods?valueRenderOption=UNFORMATTED_VALUE", &values)
	if len(values.Values) != manyRows+1 || fmt.Sprint(values.Values[3]) != "[3 changed]" {
		t.Errorf("the tab holds %v", values.Values)
	}
	if out, err := uninstalled(config, server.UninstallOptions{Sheets: true}); err != nil || strings.Contains(out, "spreadsheet") {
		t.Errorf("once more: %v\n%s", err, out)
	}
	// It can be installed again.
	address, _ = serveOn(t, config)
	(&stand{T: t, url: address}).link("goods", "Goods")
}

// A spreadsheet that cannot be cleaned is told, and holds up nothing else.
func TestUninstallWithoutTheSheet(t *testing.T) {
	t.Parallel()
	config, db, google := alertStand(t)
	address, stop := serveOn(t, config)
	(&stand{T: t, url: address}).link("goods", "Goods")
	stop()

	// As a server leaves it that was killed.
	st, err := store.Open(t.Context(), config.DatabaseURL, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := st.Claim(t.Context(), "links/goods", "killed", time.Hour); !got || err != nil {
		t.Fatal(got, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := uninstalled(config, server.UninstallOptions{}); err == nil || !strings.Contains(err.Error(), "--force") || out != "" {
		t.Errorf("while a lease is held: %v\n%s", err, out)
	}
	if err := google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: http.StatusForbidden, Count: 1000}); err != nil {
		t.Fatal(err)
	}
	out, err := uninstalled(config, server.UninstallOptions{Sheets: true, Force: true})
	if err == nil || !strings.Contains(out, "FAILED   spreadsheet "+standSheet) || !strings.Contains(out, "tandem_links") {
		t.Errorf("with a sheet that refuses: %v\n%s", err, out)
	}
	var n int
	if err := db.QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE '%tandem%' AND name NOT LIKE 'sqlite_%'").Scan(&n); err != nil || n != 0 {
		t.Errorf("the database still has %d of Tandem's things (%v)", n, err)
	}
}

// Of a spreadsheet that is no more, uninstall says so, and goes on.
func TestUninstallOfASheetThatIsGone(t *testing.T) {
	t.Parallel()
	config, _, google := alertStand(t)
	address, stop := serveOn(t, config)
	(&stand{T: t, url: address}).link("goods", "Goods")
	stop()
	if err := google.AddFault(emulator.Fault{Method: "*", Kind: "before", Status: http.StatusNotFound, Count: 1000}); err != nil {
		t.Fatal(err)
	}
	out, err := uninstalled(config, server.UninstallOptions{Sheets: true})
	if err != nil || !strings.Contains(out, "nothing  spreadsheet "+standSheet) || !strings.Contains(out, "tandem_links") {
		t.Errorf("with a sheet that is gone: %v\n%s", err, out)
	}
}

// A database that Tandem never saw stays as it is, to the byte, and one that is not there is not made.
func TestUninstallOfNothing(t *testing.T) {
	t.Parallel()
	for _, journal := range []string{"DELETE", "WAL"} {
		t.Run(journal, func(t *testing.T) { uninstallOfNothing(t, journal) })
	}
	if out, err := uninstalled(server.Config{DatabaseURL: "nonsense"}, server.UninstallOptions{}); err == nil || out != "" {
		t.Errorf("an address that is none: %v\n%s", err, out)
	}
}

func uninstallOfNothing(t *testing.T, journal string) {
	folder := t.TempDir()
	path := filepath.Join(folder, "shop.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode("+journal+")")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE goods (id INTEGER PRIMARY KEY); INSERT INTO goods VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Join(folder, "no such.db")} {
		out, err := uninstalled(server.Config{DatabaseURL: "sqlite:" + name}, server.UninstallOptions{})
		if err != nil || !strings.HasPrefix(out, "nothing to remove") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was written to (%v)", err)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("files were made: %v, %v", files, err)
	}
}
