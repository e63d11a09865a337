package sheets_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tandem-sync/tandem/sheets"
)

var answers = []string{
	`{}`,
	`{"values":[]}`,
	`{"values":null,"range":null}`,
	`{"range":"'Anime'!A1:Z1000","majorDimension":"ROWS","values":[["ID","Title"],[1,"Akira",true],[],[null,"",false,1.5],[2]]}`,
	` { "values" : [ [ 1 , 2 ] , [ "a" ] , null ] , "more" : { "a" : [ 1 , { "b" : null } , "x" ] } , "range" : "A1" } ` + "\n",
	`{"VALUES":[[-0,0,1e3,-1.25E-2,12345678901234567890,0.1,1e308,2.2250738585072011e-308]]}`,
	`{"values":[["\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00\ud83d\ud83d\ude00\udc00x","ü😀","` + "\xff\xc3\xe4\xb8" + `","\u0000"]]}`,
	`{"values":[[[1,"a",{"b":[]}],{"c":"<é>"},[]]]}`,
	`{"value\u0073":[["escaped name"]]}`,
	`{"values":[["` + strings.Repeat("long ", 40000) + `"]]}`,
	`{"range":"x","values":[["` + strings.Repeat("ü\\n", 30000) + `",17]],"values2":3}`,
	// And what is none.
	``, `null`, `[]`, `{`, `{"values"`, `{"values":[[1]]`, `{"values":[[1]]}x`, `{"values":[[1],]}`, `{"values":[[1,]]}`, `{"values":[[01]]}`,
	`{"values":[[1.]]}`, `{"values":[[.5]]}`, `{"values":[[+1]]}`, `{"values":[[1e]]}`, `{"values":[[-]]}`, `{"values":[[1e999]]}`,
	`{"values":[["` + "\x01" + `"]]}`, `{"values":[["\x"]]}`, `{"values":[["\u12g4"]]}`, `{"values":[[tru]]}`, `{"values":[[nul]]}`,
	`{"values":[5]}`, `{"values":"x"}`, `{"values":{"a":1}}`, `{"range":5}`, `{"values":[[1]],"values":[[2]]}`, `{"values":[[1]],"Values":null}`,
	`{"a":01}`, `{"a":[1}`, `{"a":"` + "\xff" + `"}`, `{1:2}`, `{"a" 1}`, `{"values":[[1]]}` + "\x00", "\ufeff{}", `{"values":[[[1e999]]]}`, `{"x":1e999}`,
}

// stock decodes an answer as Google's client does. strict says that we refuse it all the same: it lists its values twice, or is
// null, which would pass for an empty tab.
func stock(body string) (rows [][]any, strict bool, err error) {
	var answer *struct {
		Range, MajorDimension string
		Values                [][]any
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, false, err
	}
	if answer == nil {
		return nil, true, nil
	}
	names, decoder := 0, json.NewDecoder(strings.NewReader(body))
	_, _ = decoder.Token()
	for decoder.More() {
		name, _ := decoder.Token()
		if strings.EqualFold(name.(string), "values") {
			names++
		}
		var skipped json.RawMessage
		_ = decoder.Decode(&skipped)
	}
	return answer.Values, names > 1, nil
}

// same compares rows; a row that is null is an empty one.
func same(a, b [][]any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) || len(a[i]) > 0 && !reflect.DeepEqual(a[i], b[i]) {
			return false
		}
	}
	return true
}

func checkScanner(t *testing.T, body string) {
	t.Helper()
	want, strict, wrong := stock(body)
	readers := map[string]io.Reader{"whole": strings.NewReader(body), "halves": iotest.HalfReader(strings.NewReader(body)),
		"late end": iotest.DataErrReader(strings.NewReader(body))}
	if len(body) < 5000 {
		readers["bytes"] = iotest.OneByteReader(strings.NewReader(body))
	}
	for name, reader := range readers {
		got, err := sheets.ScanRows(reader)
		switch {
		case wrong != nil || strict:
			if err == nil {
				t.Errorf("%s: %.200q is accepted; encoding/json says %v", name, body, wrong)
			}
		case err != nil:
			t.Errorf("%s: %.200q is refused: %v", name, body, err)
		case !same(got, want):
			t.Errorf("%s: %.200q reads as %.200q, want %.200q", name, body, fmt.Sprint(got), fmt.Sprint(want))
		}
	}
}

func TestValueScanner(t *testing.T) {
	for _, body := range answers {
		checkScanner(t, body)
	}
}

func FuzzValueScanner(f *testing.F) {
	for _, body := range answers {
		if len(body) < 5000 {
			f.Add(body)
		}
	}
	f.Fuzz(checkScanner)
}

// An answer that ends early, by an end of the body or a failure, is never a shorter tab.
func TestValueScannerEndsEarly(t *testing.T) {
	broken := errors.New("connection reset")
	for _, body := range answers {
		if _, strict, err := stock(body); err != nil || strict || len(body) > 5000 {
			continue
		}
		for end := range len(strings.TrimRight(body, " \n")) {
			if _, err := sheets.ScanRows(strings.NewReader(body[:end])); err == nil {
				t.Errorf("%q is taken for a whole answer", body[:end])
			}
		}
		for end := range len(body) + 1 {
			_, err := sheets.ScanRows(io.MultiReader(strings.NewReader(body[:end]), iotest.ErrReader(broken)))
			if !errors.Is(err, broken) {
				t.Errorf("%q, then a failure: %v", body[:end], err)
			}
		}
	}
}

func TestRangeScanner(t *testing.T) {
	for _, part := range answers {
		body := `{"spreadsheetId":"1world","valueRanges":[` + part + `,{"values":[["last"]]}]}`
		want, strict, err := stock(part)
		if !json.Valid([]byte(part)) || strict {
			err = errors.New("the part alone is not valid")
		}
		got, problem := sheets.ScanRangeRows(strings.NewReader(body))
		if err != nil {
			if problem == nil {
				t.Errorf("%.200q is accepted, with %.200q", body, fmt.Sprint(got))
			}
			continue
		}
		if problem != nil || len(got) != 2 || !same(got[0], want) || !same(got[1], [][]any{{"last"}}) {
			t.Errorf("%.200q reads as %.200q, %v", body, fmt.Sprint(got), problem)
		}
	}
	for _, body := range []string{`{"valueRanges":[{}],"valueRanges":[]}`, `{"valueRanges":[null]}`, `{"valueRanges":{}}`, `{"spreadsheetId":1}`, `{"valueRanges":[{}]`} {
		if got, err := sheets.ScanRangeRows(strings.NewReader(body)); err == nil {
			t.Errorf("%s is accepted, with %v", body, got)
		}
	}
}
