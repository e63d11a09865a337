package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/api/option"
	api "google.golang.org/api/sheets/v4"
)

// floor does what no sync can do without, and nothing else: reads all rows of the table, reads the tab once, and uploads the
// rows that it lacks, in batches as large as Tandem's, through the same clients.
func (s *sizes) floor() (took, work time.Duration) {
	s.t.Helper()
	first := s.id
	s.fillSheet()
	defer func() { s.id = first }()
	service, err := api.NewService(context.Background(), option.WithEndpoint(s.google.URL+"/"), option.WithoutAuthentication())
	if err != nil {
		s.t.Fatal(err)
	}
	began, before, own := time.Now(), s.cpu(), ownProcessorTime()
	var missing []*api.RowData
	rows, err := s.db.Query("SELECT * FROM items ORDER BY id")
	if err != nil {
		s.t.Fatal(err)
	}
	raw, into := make([]sql.RawBytes, 10), make([]any, 10)
	for i := range raw {
		into[i] = &raw[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		if n%2 == 1 {
			missing = append(missing, rowData(raw))
		}
	}
	if rows.Err() != nil {
		s.t.Fatal(rows.Err())
	}
	selected := time.Since(began)
	whole, err := service.Spreadsheets.Values.Get(s.id, "Data").ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Do()
	if err != nil || len(whole.Values) != s.rows/2+1 {
		s.t.Fatalf("read the tab: %v", err)
	}
	read := time.Since(began)
	for batch := range slices.Chunk(missing, uploadRows) {
		_, err := service.Spreadsheets.BatchUpdate(s.id, &api.BatchUpdateSpreadsheetRequest{Requests: []*api.Request{{
			AppendCells: &api.AppendCellsRequest{Rows: batch, Fields: "userEnteredValue,userEnteredFormat.numberFormat", ForceSendFields: []string{"SheetId"}}}}}).Do()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	total := time.Since(began)
	work = s.since(before) + ownProcessorTime() - own
	s.t.Logf("floor: %s (%s to read the table, %s to read the tab, %s to upload %d rows); processor time %s", total.Round(time.Millisecond),
		selected.Round(time.Millisecond), (read - selected).Round(time.Millisecond), (total - read).Round(time.Millisecond), len(missing), work)
	return total, work
}

// ownProcessorTime is what this process took so far.
func ownProcessorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// uploadRows is how many rows of these tests go into one call of Tandem's, which is bounded by 1.8 MB.
const uploadRows = 2000

// rowData makes typed cells of a row of the table.
func rowData(raw []sql.RawBytes) *api.RowData {
	row := &api.RowData{Values: make([]*api.CellData, len(raw))}
	for i, data := range raw {
		row.Values[i] = &api.CellData{}
		if data == nil {
			continue
		}
		value, text := &api.ExtendedValue{}, string(data)
		row.Values[i].UserEnteredValue = value
		format := ""
		switch itemsHeader[i] {
		case "sku", "title", "note":
			value.StringValue = &text
			continue
		case "active":
			on := text == "1"
			value.BoolValue = &on
			continue
		case "released", "seen":
			layout := "2006-01-02"
			if format = "yyyy-mm-dd"; len(text) > len(layout) {
				layout, format = "2006-01-02 15:04:05.000", "yyyy-mm-dd hh:mm:ss.000"
			}
			at, _ := time.Parse(layout, text)
			serial := at.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24
			value.NumberValue = &serial
			row.Values[i].UserEnteredFormat = &api.CellFormat{NumberFormat: &api.NumberFormat{Type: "DATE_TIME", Pattern: format}}
		default:
			number, _ := strconv.ParseFloat(text, 64)
			value.NumberValue = &number
		}
	}
	return row
}

// memory returns a figure of the tandem process in MB, as the kernel counts it.
func (s *sizes) memory(name string) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	s.t.Fatalf("the kernel does not tell %s", name)
	return 0
}

// mariadb returns the process id of MariaDB.
func (s *sizes) mariadb() (pid int) {
	var path string
	if err := s.db.QueryRow("SELECT @@pid_file").Scan(&path); err != nil {
		s.t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(data))); err != nil {
		s.t.Fatal(err)
	}
	return pid
}

// since returns the processor time that all processes but the test's own took since before.
func (s *sizes) since(before map[string]time.Duration) (all time.Duration) {
	for name, spent := range s.cpu() {
		all += spent - before[name]
	}
	return all
}

// cpu returns the processor time that each process took so far.
func (s *sizes) cpu() map[string]time.Duration {
	if s.cmd != nil {
		s.pids["tandem"] = s.cmd.Process.Pid
	}
	all := map[string]time.Duration{}
	for name, pid := range s.pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			s.t.Fatal(err)
		}
		fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
		user, _ := strconv.Atoi(string(fields[11]))
		system, _ := strconv.Atoi(string(fields[12]))
		all[name] = time.Duration(user+system) * 10 * time.Millisecond
	}
	return all
}

// handlers is how many rows MariaDB has read so far.
func (s *sizes) handlers() (n int) {
	s.t.Helper()
	err := s.db.QueryRow("SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN " +
		"('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_RND', 'HANDLER_READ_RND_NEXT')").Scan(&n)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
