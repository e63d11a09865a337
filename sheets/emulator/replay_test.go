package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// recording is a scenario of real traffic, or one of our own in the same form.
type recording struct {
	Meta struct {
		Replay string `json:"replay"`
		Note   string `json:"note"`
	} `json:"meta"`
	Ignore []string        `json:"ignore"`
	Seed   []seed          `json:"seed"`
	Steps  []recordingStep `json:"steps"`
}

type seed struct {
	ID         string         `json:"id"`
	Title      string         `json:"title"`
	Properties map[string]any `json:"properties"`
	Sheets     []struct {
		Properties  map[string]any   `json:"properties"`
		Merges      []map[string]any `json:"merges"`
		BasicFilter map[string]any   `json:"basicFilter"`
	} `json:"sheets"`
	Values []struct {
		Range            string  `json:"range"`
		Values           [][]any `json:"values"`
		ValueInputOption string  `json:"valueInputOption"`
	} `json:"values"`
}

type recordingStep struct {
	API        string         `json:"api"`
	Method     string         `json:"method"`
	Path       string         `json:"path"`
	Query      map[string]any `json:"query"`
	Request    any            `json:"request"`
	RequestRaw string         `json:"request_raw"`
	Status     int            `json:"status"`
	Response   any            `json:"response"`
	Skip       string         `json:"skip"`
}

// driveExceptions are cases whose Drive answers of 2020 lack a field that those of 2021 on have. Everything else
// in them is compared.
var driveExceptions = map[string]string{
	"gspread--ClientTest.test_copy--v5":       "fileSize",
	"gspread--ClientTest.test_import_csv--v4": "fileSize",
}

// TestRecordings replays the recorded traffic of the real service, Drive included.
func TestRecordings(t *testing.T) {
	folder := os.Getenv("TANDEM_SHEETS_API")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "sheets-api")
	}
	files, err := filepath.Glob(filepath.Join(folder, "cases", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s: set TANDEM_SHEETS_API to the folder that holds cases/", folder)
	}
	passed, steps := 0, 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			r := readRecording(t, file)
			if r.Meta.Replay == "format-only" {
				return // a sample of an error body: there is nothing to replay
			}
			if field, ok := driveExceptions[name]; ok {
				r.Ignore = append(r.Ignore, field)
			}
			e := emulator.New(emulator.Options{Seed: 1})
			defer e.Close()
			steps += replay(t, r, &http.Client{Transport: e.Transport()}, "http://emulator", "http://emulator")
			passed++
		})
	}
	t.Logf("%d recordings, %d steps", passed, steps)
}

// TestOwnCases replays what nobody has recorded but Tandem relies on. They hold documented behaviour; run them
// against Google with SHEETS_LIVE_CREDENTIALS to keep them honest.
func TestOwnCases(t *testing.T) {
	client, sheetsBase, driveBase := liveClient(t)
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("testdata/cases is empty")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			c, s, d := client, sheetsBase, driveBase
			if c == nil {
				e := emulator.New(emulator.Options{Seed: 1})
				defer e.Close()
				c, s, d = &http.Client{Transport: e.Transport()}, "http://emulator", "http://emulator"
			}
			replay(t, readRecording(t, file), c, s, d)
		})
	}
}

func readRecording(t *testing.T, file string) recording {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r
}

// player replays one recording. Ids that the server makes are bound to the recorded ones when first seen.
type player struct {
	t           *testing.T
	client      *http.Client
	sheets      string
	drive       string
	compare     comparer
	foreign     map[string]bool
	spreadsheet string // the recorded id that the step is about
}

var (
	idInPath    = regexp.MustCompile(`^(?:/v4/spreadsheets|(?:/upload)?/drive/v[23]/files)/([^/:]+)`)
	copySheetID = regexp.MustCompile(`/sheets/(\d+):copyTo$`)
	longToken   = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)
)

func replay(t *testing.T, r recording, client *http.Client, sheets, drive string) int {
	t.Helper()
	p := &player{t: t, client: client, sheets: sheets, drive: drive, compare: newComparer(r.Ignore), foreign: map[string]bool{}}
	for _, s := range r.Seed {
		p.seed(s)
	}
	n := 0
	for i, s := range r.Steps {
		if s.Skip != "" || !p.step(i, s) {
			continue
		}
		n++
		if t.Failed() {
			return n
		}
	}
	return n
}

// step sends one step and reports whether it could be sent.
func (p *player) step(i int, s recordingStep) bool {
	p.t.Helper()
	p.spreadsheet = ""
	if m := idInPath.FindStringSubmatch(s.Path); m != nil {
		p.spreadsheet = m[1]
	}
	if s.API == "drive" && p.spreadsheet != "" && p.compare.ids[p.spreadsheet] == "" && s.Status < 400 {
		return false // a file from outside the case
	}
	path := p.compare.mapText(s.Path)
	if m := copySheetID.FindStringSubmatch(path); m != nil {
		n, _ := strconv.ParseFloat(m[1], 64)
		path = strings.TrimSuffix(path, m[0]) + fmt.Sprintf("/sheets/%v:copyTo", p.compare.mapSheet(p.spreadsheet, n))
	}
	body, kind := []byte(s.RequestRaw), "application/json"
	if strings.HasPrefix(s.Path, "/upload/") {
		kind = "text/csv"
	}
	if s.RequestRaw == "" && s.Request != nil {
		body, _ = json.Marshal(p.compare.mapBody(s.Request, p.spreadsheet))
		p.compare.touch(s.Request)
	}
	status, live, raw := p.send(s.API, s.Method, path, s.Query, body, kind)
	where := fmt.Sprintf("step %d %s %s", i, s.Method, s.Path)
	if status != s.Status {
		p.t.Errorf("%s: want status %d, got %d %s", where, s.Status, status, raw)
		return true
	}
	if s.Response == nil {
		return true
	}
	if s.Method != "GET" && s.API == "sheets" {
		p.compare.written[p.spreadsheet] = true
	}
	p.compare.begin(p.spreadsheet, s.API == "drive")
	if o, ok := s.Response.(map[string]any); ok && s.Status < 400 {
		if id, ok := o["spreadsheetId"].(string); ok && p.spreadsheet == "" {
			p.compare.begin(id, false)
		}
		p.compare.bindDocument(o, live)
		s.Response, live = p.knownFiles(o, live)
	}
	p.compare.values(s.Response, live, "", "")
	for _, d := range p.compare.differences {
		p.t.Errorf("%s: %s", where, d)
	}
	return true
}

// knownFiles leaves of a Drive list the files of this recording, in the recorded order.
func (p *player) knownFiles(recorded map[string]any, live any) (any, any) {
	l, ok := live.(map[string]any)
	want, isList := recorded["files"].([]any)
	if !ok || !isList {
		return recorded, live
	}
	keep := func(items []any, known func(id string) bool) []any {
		return slices.DeleteFunc(slices.Clone(items), func(x any) bool {
			id, _ := x.(map[string]any)["id"].(string)
			return !known(id)
		})
	}
	got, _ := l["files"].([]any)
	return map[string]any{"files": keep(want, func(id string) bool { return p.compare.ids[id] != "" })},
		map[string]any{"files": keep(got, func(id string) bool {
			for _, v := range p.compare.ids {
				if v == id {
					return true
				}
			}
			return false
		})}
}

func (p *player) send(api, method, path string, query map[string]any, body []byte, kind string) (int, any, []byte) {
	p.t.Helper()
	q := url.Values{}
	for name, v := range query {
		if l, ok := v.([]any); ok {
			for _, x := range l {
				q.Add(name, p.compare.mapText(fmt.Sprint(x)))
			}
			continue
		}
		q.Set(name, p.compare.mapText(fmt.Sprint(v)))
	}
	base := p.sheets
	if api == "drive" {
		base = p.drive
	}
	r, err := http.NewRequest(method, base+strings.ReplaceAll(path, " ", "%20")+"?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	raw, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	var live any
	_ = json.Unmarshal(raw, &live)
	return answer.StatusCode, live, raw
}

// seed builds a spreadsheet that was there before the recording began.
func (p *player) seed(s seed) {
	p.t.Helper()
	props := map[string]any{"title": "seed"}
	for name, v := range s.Properties {
		props[name] = v
	}
	if s.Title != "" {
		props["title"] = s.Title
	}
	var tabs []any
	for _, x := range s.Sheets {
		tabs = append(tabs, map[string]any{"properties": x.Properties})
	}
	created := p.must("/v4/spreadsheets", map[string]any{"properties": props, "sheets": tabs})
	id, _ := created["spreadsheetId"].(string)
	p.compare.ids[s.ID] = id
	var requests []any
	for i, x := range s.Sheets {
		made := created["sheets"].([]any)[i].(map[string]any)["properties"].(map[string]any)
		recorded, _ := x.Properties["sheetId"].(float64)
		p.compare.bindSheet(s.ID, recorded, made["sheetId"].(float64))
		for _, m := range x.Merges {
			m["sheetId"] = made["sheetId"]
			requests = append(requests, map[string]any{"mergeCells": map[string]any{"range": m, "mergeType": "MERGE_ALL"}})
		}
		if x.BasicFilter != nil {
			x.BasicFilter["range"].(map[string]any)["sheetId"] = made["sheetId"]
			requests = append(requests, map[string]any{"setBasicFilter": map[string]any{"filter": x.BasicFilter}})
		}
	}
	for _, v := range s.Values {
		option := v.ValueInputOption
		if option == "" {
			option = "RAW"
		}
		p.must("/v4/spreadsheets/"+id+"/values:batchUpdate", map[string]any{"valueInputOption": option,
			"data": []any{map[string]any{"range": v.Range, "values": v.Values}}})
	}
	if requests != nil {
		p.must("/v4/spreadsheets/"+id+":batchUpdate", map[string]any{"requests": requests})
	}
}

func (p *player) must(path string, body any) map[string]any {
	p.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	status, live, answer := p.send("sheets", "POST", path, nil, raw, "application/json")
	if status != http.StatusOK {
		p.t.Fatalf("seed: %s: %d %s", path, status, answer)
	}
	return live.(map[string]any)
}
