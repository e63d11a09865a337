package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// The table of these tests: ten columns, of the types that people use most.
const itemsTable = `CREATE TABLE items (
	id BIGINT PRIMARY KEY, sku VARCHAR(20) NOT NULL, title VARCHAR(100), qty INT, price DECIMAL(10,2), weight DOUBLE,
	active TINYINT(1), released DATE, seen DATETIME(3), note TEXT)`

var itemsHeader = []any{"id", "sku", "title", "qty", "price", "weight", "active", "released", "seen", "note"}

// item returns row n in the order of itemsHeader, as the sheet and as SQL want it. Variant changes a title and a price.
func item(n int, variant string) (cells, args []any) {
	day, stamp := 40000+n%5000, 45000+float64(n)/86400
	released := time.Date(1899, 12, 30+day, 0, 0, 0, 0, time.UTC).Format("2006-01-02")
	seen := time.Date(1899, 12, 30+45000, 0, 0, n, 0, time.UTC).Format("2006-01-02 15:04:05.000")
	sku, title, price := fmt.Sprintf("%05d", n), fmt.Sprintf("Item %d%s", n, variant), fmt.Sprintf("%d.%02d", n%1000, n%100)
	if variant != "" {
		price = "1.00"
	}
	cells = []any{n, sku, title, n % 7, jsonNumber(price), float64(n) / 8, n%2 == 0, day, stamp, "note " + sku}
	args = []any{n, sku, title, n % 7, price, float64(n) / 8, n%2 == 0, released, seen, "note " + sku}
	return cells, args
}

func jsonNumber(text string) float64 {
	var n float64
	fmt.Sscan(text, &n)
	return n
}

// fill writes 8,000 equal rows, 1,000 to the table only, 500 to the sheet only and 500 that differ, times scale.
func fill(w *world, scale float64) (total int) {
	n := func(rows int) int { return int(float64(rows) * scale) }
	equal, table, sheet, differ := n(8000), n(1000), n(500), n(500)
	var cells [][]any
	var args [][]any
	id := 0
	add := func(count int, toTable, toSheet bool, variant string) {
		for range count {
			id++
			c, a := item(id, "")
			if toTable {
				args = append(args, a)
			}
			if variant != "" {
				c, _ = item(id, variant)
			}
			if toSheet {
				cells = append(cells, c)
			}
		}
	}
	add(equal, true, true, "")
	add(table, true, false, "")
	add(sheet, false, true, "")
	add(differ, true, true, " (sheet)")
	rand.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	w.exec(itemsTable)
	for start := 0; start < len(args); start += 500 {
		chunk := args[start:min(start+500, len(args))]
		var flat []any
		for _, a := range chunk {
			flat = append(flat, a...)
		}
		w.exec("INSERT INTO items VALUES "+strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?,?,?,?),", len(chunk)), ","), flat...)
	}
	w.emulator("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{map[string]any{
		"appendDimension": map[string]any{"sheetId": 0, "dimension": "ROWS", "length": len(cells)}}}}, nil)
	w.seed("Data", append([][]any{itemsHeader}, cells...))
	return id
}

func createItemsLink(w *world) {
	w.do("POST", "/v1/links?link_id=items", map[string]any{"displayName": "Items", "table": "items", "spreadsheetId": spreadsheet, "tab": "Data"})
}

// wantEqual checks that both sources hold the same rows, and how many.
func wantEqual(w *world, link string, total int) {
	w.t.Helper()
	database, sheet := w.rows(link, "database"), w.rows(link, "sheet")
	if total >= 0 && len(database) != total {
		w.t.Fatalf("the table has %d rows, want %d", len(database), total)
	}
	if problem := difference(database, sheet); problem != "" {
		w.t.Fatal(problem)
	}
}

func difference(database, sheet map[string]map[string]any) string {
	for id, values := range database {
		if sheet[id] == nil {
			return fmt.Sprintf("row %s is not in the sheet (%d rows in the table, %d in the sheet)", id, len(database), len(sheet))
		}
		if !reflect.DeepEqual(values, sheet[id]) {
			return fmt.Sprintf("row %s: table %v, sheet %v", id, values, sheet[id])
		}
	}
	if len(sheet) != len(database) {
		return fmt.Sprintf("%d rows in the table, %d in the sheet", len(database), len(sheet))
	}
	return ""
}

// TestInitialSync is the main job at the size of the issue: 10,000 rows of 10 columns that differ in every way.
func TestInitialSync(t *testing.T) {
	w := newWorld(t)
	total := fill(w, 1)
	w.start()
	createItemsLink(w)

	plan := w.sync("items", map[string]any{"validateOnly": true})
	wantCounts(t, plan, map[string]float64{"equal": 8000, "insertSheet": 1000, "insertDatabase": 500, "updateSheet": 500, "settledDatabaseWon": 500})
	if rows := len(w.cells("Data")) - 1; rows != 9000 {
		t.Fatalf("a plan alone changed the sheet: it has %d rows", rows)
	}

	w.emulator("DELETE", "/emulator/stats", nil, nil)
	report := w.sync("items", map[string]any{"plan": plan["plan"]})
	reads, writes := w.stats()
	wantCounts(t, report, map[string]float64{"equal": 8000, "insertSheet": 1000, "insertDatabase": 500, "updateSheet": 500, "settledDatabaseWon": 500})
	t.Logf("initial sync of %d rows: %d reads and %d writes", total, reads, writes)
	if reads+writes > 12 {
		t.Errorf("the initial sync cost %d calls, want at most 12", reads+writes)
	}
	wantEqual(w, "items", total)
	if state := w.do("GET", "/v1/links/items", nil)["state"]; state != "ACTIVE" {
		t.Errorf("the link is %v", state)
	}

	again := w.sync("items", map[string]any{"validateOnly": true})
	wantCounts(t, again, map[string]float64{"equal": float64(total)})
}

// wantCounts checks every count of an initial sync; those that are not named must be zero.
func wantCounts(t *testing.T, report map[string]any, want map[string]float64) {
	t.Helper()
	counts, _ := report["counts"].(map[string]any)
	for name, value := range counts {
		if value.(float64) != want[name] {
			t.Errorf("%s = %v, want %v (%v)", name, value, want[name], counts)
		}
	}
	for name, value := range want {
		if counts[name] == nil && value != 0 {
			t.Errorf("%s is missing, want %v (%v)", name, value, counts)
		}
	}
}

// TestBothWays writes on either side in every way there is, and waits for the other side to have it.
func TestBothWays(t *testing.T) {
	w := newWorld(t, "--poll-interval", "2s")
	fill(w, 0.01)
	w.start()
	createItemsLink(w)
	w.sync("items", nil)
	wantEqual(w, "items", 100)

	inSheet := func(id string, want map[string]any) { w.t.Helper(); arrives(w, "sheet", id, want) }
	inTable := func(id string, want map[string]any) { w.t.Helper(); arrives(w, "database", id, want) }
	database, sheet := "/v1/links/items/sources/database/rows", "/v1/links/items/sources/sheet/rows"

	t.Run("API on the table", func(t *testing.T) {
		w.do("POST", database, map[string]any{"values": map[string]any{"id": "1001", "sku": "00123", "title": "=1+1", "price": "8.50"}})
		inSheet("1001", map[string]any{"sku": "00123", "title": "=1+1", "price": "8.50"})
		w.do("PATCH", database+"/1001", map[string]any{"values": map[string]any{"title": "TRUE"}})
		inSheet("1001", map[string]any{"sku": "00123", "title": "TRUE"})
		w.do("DELETE", database+"/1001", nil)
		inSheet("1001", nil)
	})
	t.Run("API on the sheet", func(t *testing.T) {
		w.do("POST", sheet, map[string]any{"values": map[string]any{"id": "1002", "sku": "x", "qty": 3, "active": true}})
		inTable("1002", map[string]any{"sku": "x", "qty": 3.0, "active": true})
		w.do("PATCH", sheet+"/1002", map[string]any{"values": map[string]any{"qty": 4}})
		inTable("1002", map[string]any{"qty": 4.0})
		w.do("DELETE", sheet+"/1002", nil)
		inTable("1002", nil)
	})
	t.Run("SQL", func(t *testing.T) {
		w.exec("INSERT INTO items (id, sku, price) VALUES (1003, 'a', 1.5), (1004, 'b', 2.5)")
		inSheet("1003", map[string]any{"sku": "a", "price": "1.50"})
		inSheet("1004", map[string]any{"sku": "b"})
		w.exec("UPDATE items SET price = price + 1 WHERE id > 1000")
		inSheet("1004", map[string]any{"price": "3.50"})
		w.exec("INSERT INTO items (id, sku) VALUES (1003, 'c') ON DUPLICATE KEY UPDATE sku = 'd'")
		inSheet("1003", map[string]any{"sku": "d", "price": "2.50"})
		w.exec("UPDATE items SET id = 1005 WHERE id = 1003")
		inSheet("1005", map[string]any{"sku": "d"})
		inSheet("1003", nil)
		w.exec("DELETE FROM items WHERE id > 1000")
		inSheet("1004", nil)
		inSheet("1005", nil)
	})
	t.Run("by hand in the sheet", func(t *testing.T) {
		last := len(w.cells("Data")) + 1
		w.edit(map[string]any{"paste": map[string]any{"sheet": "Data", "a1": fmt.Sprintf("A%d", last), "values": [][]any{{"1006", "00777", "Typed", "5", "1.25"}}}})
		inTable("1006", map[string]any{"sku": "00777", "title": "Typed", "qty": 5.0, "price": "1.25"})
		w.edit(map[string]any{"sort": map[string]any{"sheet": "Data", "column": "title", "descending": true}})
		row := positionOf(w, "1006")
		w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": fmt.Sprintf("C%d", row), "input": "By hand"}})
		inTable("1006", map[string]any{"title": "By hand"})
		w.edit(map[string]any{"deleteRows": map[string]any{"sheet": "Data", "start": positionOf(w, "1006"), "count": 1}})
		inTable("1006", nil)
	})
	t.Run("other API clients in the sheet", func(t *testing.T) {
		row := positionOf(w, "7")
		w.emulator("PUT", fmt.Sprintf("/v4/spreadsheets/%s/values/Data!C%d?valueInputOption=RAW", spreadsheet, row), map[string]any{"values": [][]any{{"By a program"}}}, nil)
		inTable("7", map[string]any{"title": "By a program"})
	})
	t.Run("different cells of one row", func(t *testing.T) {
		w.exec("UPDATE items SET title = 'From SQL' WHERE id = 9")
		w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": fmt.Sprintf("D%d", positionOf(w, "9")), "input": "99"}})
		inTable("9", map[string]any{"title": "From SQL", "qty": 99.0})
		inSheet("9", map[string]any{"title": "From SQL", "qty": 99.0})
	})
	t.Run("then nothing more is written", func(t *testing.T) {
		wantEqual(w, "items", 100)
		_, before := w.stats()
		looks := w.calls("drive.changes.list")
		w.eventually(20*time.Second, func() string { // what was written is read once more, when Drive lists it
			if w.calls("drive.changes.list") < looks+4 {
				return "nobody asks Drive any more"
			}
			return ""
		})
		if _, after := w.stats(); after != before {
			t.Errorf("%d writes came after everything had arrived", after-before)
		}
	})
}

// arrives waits until a source shows a row with the wanted values, or no row at all.
func arrives(w *world, source, id string, want map[string]any) {
	w.t.Helper()
	w.eventually(10*time.Second, func() string {
		status, row := w.call("GET", "/v1/links/items/sources/"+source+"/rows/"+id+"?max_staleness=0s", nil)
		if want == nil {
			if status != 404 {
				return fmt.Sprintf("row %s is still in the %s: %v", id, source, row)
			}
			return ""
		}
		values, _ := row["values"].(map[string]any)
		for name, value := range want {
			if values[name] != value {
				return fmt.Sprintf("row %s in the %s has %s = %v, want %v (status %d)", id, source, name, values[name], value, status)
			}
		}
		return ""
	})
}

// positionOf returns the row number of a key in the first column of the tab.
func positionOf(w *world, key string) int {
	w.t.Helper()
	for i, row := range w.cells("Data") {
		if len(row) > 0 && fmt.Sprint(row[0]) == key {
			return i + 1
		}
	}
	w.t.Fatalf("key %s is not in the sheet", key)
	return 0
}

// TestKill ends the process with kill -9 at random moments of an initial sync; another one then finishes the job.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 3
	if os.Getenv("TANDEM_KILL_ROUNDS") != "" {
		fmt.Sscan(os.Getenv("TANDEM_KILL_ROUNDS"), &rounds)
	}
	for round := range rounds {
		w := newWorld(t)
		total := fill(w, 0.2)
		w.emulator("PUT", "/emulator/settings", map[string]any{"latencyMs": 60}, nil)
		w.start()
		createItemsLink(w)
		operation := w.do("POST", "/v1/links/items:initialSync", map[string]any{})
		delay := time.Duration(rand.IntN(900)) * time.Millisecond
		<-time.After(delay) // the moment of the crash is what is tried here
		w.kill()
		w.start()
		report := w.await(w.do("GET", "/v1/"+operation["name"].(string), nil))
		t.Logf("round %d, killed after %s: %v", round, delay, report["counts"])
		wantEqual(w, "items", total)
		if rows := len(w.cells("Data")) - 1; rows != total {
			t.Errorf("the sheet has %d rows, want %d", rows, total)
		}
		w.kill()
	}
}

// TestStop checks that SIGTERM ends the process well, soon, while an initial sync runs.
func TestStop(t *testing.T) {
	w := newWorld(t)
	fill(w, 0.1)
	w.emulator("PUT", "/emulator/settings", map[string]any{"latencyMs": 300}, nil)
	w.start()
	createItemsLink(w)
	w.do("POST", "/v1/links/items:initialSync", map[string]any{})
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-w.exited:
		if err != nil {
			t.Errorf("exit: %v, want 0", err)
		}
		w.cmd = nil
	case <-time.After(10 * time.Second):
		t.Error("still running 10 s after SIGTERM")
	}
}

// TestGRPC does over gRPC what the other tests do over REST.
func TestGRPC(t *testing.T) {
	w := newWorld(t)
	fill(w, 0.002)
	w.start()
	conn, err := grpc.NewClient(w.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	links, rows := tandemv1.NewLinkServiceClient(conn), tandemv1.NewRowServiceClient(conn)
	if _, err := links.CreateLink(ctx, &tandemv1.CreateLinkRequest{LinkId: "items",
		Link: &tandemv1.Link{Table: "items", SpreadsheetId: spreadsheet, Tab: "Data"}}); err != nil {
		t.Fatal(err)
	}
	w.sync("items", nil)
	values, err := structpb.NewStruct(map[string]any{"id": "501", "sku": "grpc"})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"database", "sheet"} {
		parent := "links/items/sources/" + source
		values.Fields["id"] = structpb.NewStringValue(map[string]string{"database": "501", "sheet": "502"}[source])
		row, err := rows.CreateRow(ctx, &tandemv1.CreateRowRequest{Parent: parent, Row: &tandemv1.Row{Values: values}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := rows.GetRow(ctx, &tandemv1.GetRowRequest{Name: row.Name})
		if err != nil || got.Values.Fields["sku"].GetStringValue() != "grpc" {
			t.Fatalf("GetRow(%s) = %v, %v", row.Name, got, err)
		}
	}
	arrives(w, "sheet", "501", map[string]any{"sku": "grpc"})
	arrives(w, "database", "502", map[string]any{"sku": "grpc"})
}

// TestStopAnswersWaitingCalls stops the process while a write to the sheet waits for Google: the caller is told that it is
// kept, and it is carried out by the next process.
func TestStopAnswersWaitingCalls(t *testing.T) {
	w := newWorld(t)
	fill(w, 0.001)
	w.start()
	createItemsLink(w)
	w.sync("items", nil)
	w.emulator("POST", "/emulator/faults", map[string]any{"method": "*", "kind": "hang", "count": 10, "delayMs": 20000}, nil)
	type answer struct {
		status int
		body   map[string]any
	}
	answered := make(chan answer, 1)
	go func() {
		status, body := w.call("POST", "/v1/links/items/sources/sheet/rows", map[string]any{"values": map[string]any{"id": "901", "sku": "kept"}})
		answered <- answer{status, body}
	}()
	w.eventually(10*time.Second, func() string {
		var n int
		if err := w.db.QueryRow("SELECT COUNT(*) FROM tandem_writes WHERE done = 0").Scan(&n); err != nil || n == 0 {
			return "the write is not recorded"
		}
		return ""
	})
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.status != 503 || !strings.Contains(fmt.Sprint(got.body), "recorded") {
		t.Errorf("answer %d %v", got.status, got.body)
	}
	if err := <-w.exited; err != nil {
		t.Errorf("exit: %v", err)
	}
	w.cmd = nil
	w.emulator("DELETE", "/emulator/faults", nil, nil)
	w.start()
	w.eventually(30*time.Second, func() string {
		var sku string
		if err := w.db.QueryRow("SELECT sku FROM items WHERE id = 901").Scan(&sku); err != nil || sku != "kept" {
			return fmt.Sprintf("the row is not in the table: %v", err)
		}
		return ""
	})
}
