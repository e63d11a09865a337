package emulator_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestFormulas(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct{ formula, want string }{
		{"=1+2*3", "7"}, {"=-2^2", "4"}, {"=2^3^2", "64"}, {"=(1+2)*3", "9"}, {"=50%", "50.00%"}, {"=1/0", "#DIV/0!"}, {"=1/3", "0.3333333333"},
		{"=\"a\"&1&TRUE", "a1TRUE"}, {"=\"a\"=\"A\"", "TRUE"}, {"=1<\"a\"", "TRUE"}, {"=\"x\"+1", "#VALUE!"}, {"=\"2\"+1", "3"}, {"=A99", "0"}, {"=A99=\"\"", "TRUE"},
		{"=SUM(C2:C4)", "18"}, {"=sum(C:C)", "18"}, {"=SUM(C2,C3,10)", "22"}, {"=AVERAGE(C2:C4)", "6"}, {"=MAX(C2:C4)-MIN(C2:C4)", "2"},
		{"=COUNT(A1:C4)", "6"}, {"=COUNTA(A1:C4)", "12"}, {"=COUNTIF(C2:C4,\">5\")", "2"}, {"=SUMIF(B2:B4,\"a\",C2:C4)", "7"},
		{"=IF(C2>5,\"big\",\"small\")", "small"}, {"=IF(FALSE,1)", "FALSE"}, {"=IFERROR(1/0,\"none\")", "none"}, {"=AND(TRUE,1)", "TRUE"}, {"=NOT(TRUE)", "FALSE"},
		{"=VLOOKUP(2,A2:C4,3,FALSE)", "7"}, {"=VLOOKUP(9,A2:C4,3,FALSE)", "#N/A"}, {"=INDEX(B2:B4,MATCH(3,A2:A4,0))", "b"},
		{"=ROUND(2.345,2)", "2.35"}, {"=MOD(-3,5)", "2"}, {"=LEN(\"héllo\")", "5"}, {"=UPPER(LEFT(\"abc\",2))", "AB"}, {"=CONCATENATE(\"a\",B2)", "ac"},
		{"=TEXT(43831,\"yyyy-mm-dd\")", "2020-01-01"}, {"=DATE(2020,1,1)", "1/1/2020"}, {"=DATE(2020,1,1)+1", "1/2/2020"}, {"=YEAR(43831)", "2020"}, {"=TODAY()", "11/21/2026"},
		{"=S!A2", "1"}, {"='S'!$A$2+S!A3", "3"}, {"=NOPE(1)", "#NAME?"}, {"=nope", "#NAME?"}, {"=1+", "#ERROR!"}, {"=Missing!A1", "#REF!"}, {"=H1", "#REF!"}, {"=SQRT(-1)", "#NUM!"},
		{"=ROW()", "1"}, {"=COLUMN(C5)", "3"}, {"=HYPERLINK(\"http://x\",\"here\")", "here"}, {"=ARRAYFORMULA(SUM(C2:C4*2))", "36"}, {"=SUMPRODUCT(A2:A4,C2:C4)", "37"},
	} {
		raw, _ := json.Marshal(map[string]any{"values": [][]any{{test.formula}}})
		b.must("PUT", "/v4/spreadsheets/s/values/H1?valueInputOption=USER_ENTERED", string(raw))
		if got := b.rows("H1"); got != "[["+test.want+"]]" {
			t.Errorf("%s: want %s, got %s", test.formula, test.want, got)
		}
	}
}

func TestFormulasRecalculateAndFollowTheirCells(t *testing.T) {
	b := newBench(t)
	put := func(a1, v string) {
		t.Helper()
		raw, _ := json.Marshal(map[string]any{"values": [][]any{{v}}})
		b.must("PUT", "/v4/spreadsheets/s/values/"+a1+"?valueInputOption=USER_ENTERED", string(raw))
	}
	batch := func(requests string) {
		t.Helper()
		b.must("POST", "/v4/spreadsheets/s:batchUpdate", `{"requests":[`+requests+`]}`)
	}
	formula := func(a1 string) string {
		return fmt.Sprint(b.must("GET", "/v4/spreadsheets/s/values/"+a1+"?valueRenderOption=FORMULA", "")["values"])
	}
	put("D2", "=C2*2")
	put("E2", "=D2+$C$3")
	b.expect("E2", "[[17]]")
	put("C2", "10")
	b.expect("E2", "[[27]]")
	batch(`{"insertDimension":{"range":{"dimension":"ROWS","startIndex":1,"endIndex":2}}}`)
	if got := formula("D3:E3"); got != "[[=C3*2 =D3+$C$4]]" {
		t.Errorf("after an insert: %s", got)
	}
	batch(`{"copyPaste":{"source":{"startRowIndex":2,"endRowIndex":3,"startColumnIndex":3,"endColumnIndex":5},"destination":{"startRowIndex":3,"endRowIndex":5,"startColumnIndex":3,"endColumnIndex":5}}}`)
	if got := formula("D4:E5"); got != "[[=C4*2 =D4+$C$4] [=C5*2 =D5+$C$4]]" {
		t.Errorf("after a copy: %s", got)
	}
	batch(`{"deleteDimension":{"range":{"dimension":"COLUMNS","startIndex":2,"endIndex":3}}}`)
	if got := formula("C3"); got != "[[=#REF!*2]]" {
		t.Errorf("after its column went: %s", got)
	}
	b.expect("C3", "[[#REF!]]")
	put("F1", "=G1")
	put("G1", "=F1")
	b.expect("F1:G1", "[[#REF! #REF!]]")
}

func TestArrayFormulaSpills(t *testing.T) {
	b := newBench(t)
	put := func(a1, v string) {
		raw, _ := json.Marshal(map[string]any{"values": [][]any{{v}}})
		b.must("PUT", "/v4/spreadsheets/s/values/"+a1+"?valueInputOption=USER_ENTERED", string(raw))
	}
	put("E2", "=ARRAYFORMULA(C2:C4*10)")
	b.expect("E2:E4", "[[50] [70] [60]]")
	cell := fmt.Sprint(b.must("GET", "/v4/spreadsheets/s?ranges=E3&fields=sheets.data.rowData.values(userEnteredValue,effectiveValue)", "")["sheets"])
	if want := "[map[data:[map[rowData:[map[values:[map[effectiveValue:map[numberValue:70]]]]]]]]]"; cell != want {
		t.Errorf("a spilled cell: want %s, got %s", want, cell)
	}
	put("E3", "in the way")
	b.expect("E2:E4", "[[#REF!] [in the way]]")
	b.must("POST", "/v4/spreadsheets/s/values/E3:clear", "{}")
	b.expect("E2:E4", "[[50] [70] [60]]")
}
