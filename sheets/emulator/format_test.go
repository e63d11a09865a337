package emulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// handEdited are texts of the oracle that no spreadsheet showed: its source, a test of invalid dates, has the
// first slash turned into a dash by hand.
func handEdited(text string) bool { return strings.HasPrefix(text, "1-1") }

// TestFormatOracle shows each value of a real spreadsheet in its number format.
func TestFormatOracle(t *testing.T) {
	folder := os.Getenv("TANDEM_SHEETS_API")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "sheets-api")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "format-oracle.json"))
	if err != nil {
		t.Fatalf("%v: set TANDEM_SHEETS_API to the folder that holds format-oracle.json", err)
	}
	var pairs []struct {
		Entered   map[string]any    `json:"userEnteredValue"`
		Effective map[string]any    `json:"effectiveValue"`
		Format    map[string]string `json:"numberFormat"`
		Text      string            `json:"formattedValue"`
	}
	if err := json.Unmarshal(raw, &pairs); err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		value := p.Entered
		if value["formulaValue"] != nil {
			value = p.Effective // the moment of its NOW() is gone; its result is not
		}
		got := display(t, value, p.Format)
		if handEdited(p.Text) {
			p.Text = strings.Replace(p.Text, "-", "/", 1)
		}
		if got != p.Text {
			t.Errorf("%v as %v: want %q, got %q", value, p.Format, p.Text, got)
		}
	}
}

func display(t *testing.T, value any, format map[string]string) string {
	t.Helper()
	b := newBench(t)
	cell := map[string]any{"userEnteredValue": value}
	if format != nil {
		cell["userEnteredFormat"] = map[string]any{"numberFormat": format}
	}
	raw, err := json.Marshal(map[string]any{"requests": []any{map[string]any{"updateCells": map[string]any{
		"start": map[string]any{}, "fields": "*", "rows": []any{map[string]any{"values": []any{cell}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.must("POST", "/v4/spreadsheets/s:batchUpdate", string(raw))
	rows, _ := b.must("GET", "/v4/spreadsheets/s/values/A1", "")["values"].([]any)
	if rows == nil {
		return ""
	}
	return fmt.Sprint(rows[0].([]any)[0])
}

func TestNumberFormats(t *testing.T) {
	for _, test := range []struct {
		number              float64
		kind, pattern, want string
	}{
		{0, "", "", "0"}, {1.0 / 3, "", "", "0.3333333333"}, {1.0 / 1024, "", "", "0.0009765625"}, {12345678901, "", "", "12345678901"},
		{1e15, "", "", "1E+15"}, {-2.5, "", "", "-2.5"}, {100.0 / 3, "", "", "33.33333333"},
		{8.5, "NUMBER", "0.00", "8.50"}, {-8.555, "NUMBER", "0.00", "-8.56"}, {1.005, "NUMBER", "0.00", "1.01"}, {0, "NUMBER", "0.0000", "0.0000"},
		{1234567.891, "NUMBER", "#,##0.0", "1,234,567.9"}, {5, "NUMBER", "000", "005"}, {0.5, "NUMBER", "#.##", ".5"}, {-0.001, "NUMBER", "0.0", "0.0"},
		{1234, "SCIENTIFIC", "0.00E+00", "1.23E+03"}, {-5, "CURRENCY", `"$"#,##0.00;("$"#,##0.00)`, "($5.00)"}, {1500000, "NUMBER", "0.0,,\"M\"", "1.5M"},
		{43831, "DATE", "yyyy-mm-dd", "2020-01-01"}, {43831, "DATE", "", "1/1/2020"}, {-328716, "DATE", "yyyy-mm-dd", "1000-01-01"},
		{46347.2917, "DATE_TIME", "yyyy-mm-dd hh:mm:ss.000", "2026-11-21 07:00:02.880"}, {0.75, "TIME", "", "6:00:00 PM"}, {0.0208333333333333, "TIME", "[mm]:ss", "30:00"},
		{43831.5, "DATE_TIME", "dddd, d mmmm yyyy \"at\" h AM/PM", "Wednesday, 1 January 2020 at 12 PM"}, {7, "TEXT", "@", "7"},
	} {
		var format map[string]string
		if test.kind != "" {
			format = map[string]string{"type": test.kind, "pattern": test.pattern}
		}
		if got := display(t, map[string]any{"numberValue": test.number}, format); got != test.want {
			t.Errorf("%v as %s %q: want %q, got %q", test.number, test.kind, test.pattern, test.want, got)
		}
	}
}

// TestTypedInput enters texts as a person does: what they become, and how they show.
func TestTypedInput(t *testing.T) {
	for _, test := range []struct {
		input, shown string
		value        any
	}{
		{"hello", "hello", "hello"}, {"0042", "42", 42.0}, {"2,000,000.01", "2,000,000.01", 2000000.01}, {"-1.5", "-1.5", -1.5},
		{"50%", "50%", 0.5}, {"12.5%", "12.50%", 0.125}, {"$5", "$5", 5.0}, {"-$1,234.5", "-$1,234.50", -1234.5}, {"1e5", "1.00E+05", 100000.0},
		{"2020-01-01", "2020-01-01", 43831.0}, {"1/2/2020", "1/2/2020", 43832.0}, {"2020-01-01 10:30", "2020-01-01 10:30", 43831.4375},
		{"Jan 5, 2020", "Jan 5, 2020", 43835.0}, {"3/4", "3/4", 46085.0}, {"10:30", "10:30", 0.4375}, {"10:30 PM", "10:30 PM", 0.9375}, {"26:00:00", "26:00:00", 1.0833333333333333},
		{"2020-02-31", "2020-02-31", "2020-02-31"}, {"true", "TRUE", true}, {"FALSE", "FALSE", false}, {"'0042", "0042", "0042"}, {"'=1+1", "=1+1", "=1+1"},
		{"=1+1", "2", 2.0}, {"+1", "1", 1.0}, {"1,2", "1,2", "1,2"}, {"#N/A", "#N/A", "#N/A"}, {"1.2.3", "1.2.3", "1.2.3"}, {" 7 ", "7", 7.0}, {"-", "-", "-"},
		{"2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"}, {"12-34-5678", "12-34-5678", "12-34-5678"},
	} {
		b := newBench(t)
		raw, _ := json.Marshal(map[string]any{"values": [][]any{{test.input}}})
		b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=USER_ENTERED", string(raw))
		b.expect("A1", "[["+test.shown+"]]")
		rows := b.must("GET", "/v4/spreadsheets/s/values/A1?valueRenderOption=UNFORMATTED_VALUE", "")["values"].([]any)
		if got := rows[0].([]any)[0]; got != test.value {
			t.Errorf("%q: want %v, got %v", test.input, test.value, got)
		}
	}
}
