package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// sameJSON compares JSON by its meaning; numbers digit by digit as float64.
func sameJSON(t *testing.T, want, got []byte) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &b); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatalf("(-protojson +ours):\n%s", diff)
	}
}

var oddTexts = []string{"", "plain", `"quoted" \ slash/`, "tab\tline\nreturn\rbell\a\b\f", "\x00\x01\x1f\x7f", "Grüße 😀 \u2028\u2029 <&>", "1e5", strings.Repeat("é\"", 300)}

func oddValue(random *rand.Rand, depth int) *structpb.Value {
	switch random.IntN(7) {
	case 0:
		return structpb.NewNullValue()
	case 1:
		return structpb.NewBoolValue(random.IntN(2) == 0)
	case 2:
		numbers := []float64{0, -1, 0.1, 1e21, 1e20, 1e-6, 9.9e-7, 5e-324, 1.7976931348623157e308, 123456789.123456789, 1 << 53, random.NormFloat64()}
		return structpb.NewNumberValue(numbers[random.IntN(len(numbers))])
	case 3:
		if depth < 2 {
			return structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{oddValue(random, depth+1), oddValue(random, depth+1)}})
		}
	}
	return structpb.NewStringValue(oddTexts[random.IntN(len(oddTexts))])
}

// Rows are written by hand as protojson would write them, every field there or not.
func TestRowsAreWrittenAsProtojsonDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	maybe := func(text string) string {
		if random.IntN(3) == 0 {
			return ""
		}
		return text
	}
	moment := func() *timestamppb.Timestamp {
		return []*timestamppb.Timestamp{nil, timestamppb.New(time.Unix(random.Int64N(4e9), 0)), {Seconds: -62135596800}, {Seconds: 253402300799, Nanos: 999999999},
			{Seconds: 1, Nanos: 5e8}, {Seconds: 1, Nanos: 1500}, {Seconds: 1, Nanos: 1_500_000}}[random.IntN(7)]
	}
	row := func() *tandemv1.Row {
		r := &tandemv1.Row{Name: maybe("links/a/sources/database/rows/" + oddTexts[random.IntN(len(oddTexts))]), Etag: maybe("abc-_"), UpdateTime: moment(),
			SyncState: tandemv1.Row_SyncState(random.IntN(7)), SyncError: maybe(oddTexts[random.IntN(len(oddTexts))]), Position: int32(random.IntN(3))}
		if random.IntN(5) > 0 {
			r.Values = &structpb.Struct{Fields: map[string]*structpb.Value{}}
			for i := range random.IntN(6) {
				r.Values.Fields[fmt.Sprint(i, oddTexts[random.IntN(len(oddTexts))])] = oddValue(random, 0)
			}
		}
		return r
	}
	for range 3000 {
		var message proto.Message = row()
		if random.IntN(3) == 0 {
			page := &tandemv1.ListRowsResponse{NextPageToken: maybe("token"), SnapshotTime: moment()}
			for range random.IntN(4) {
				page.Rows = append(page.Rows, row())
			}
			if random.IntN(2) == 0 {
				page.TotalSize = proto.Int32(int32(random.IntN(3)))
			}
			message = page
		}
		want, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		got, err := server.MarshalRows(message)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, want, got)
	}
	if _, err := server.MarshalRows(&tandemv1.Row{UpdateTime: &timestamppb.Timestamp{Nanos: -1}}); err == nil {
		t.Error("a time that is none is written")
	}
}

// What REST answers is what gRPC answers, as protojson writes it.
func TestRESTAndGRPCAnswerAlike(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	for i, text := range oddTexts {
		s.exec("INSERT INTO things (id, title, score, big, ratio, ok, born, seen, note) VALUES (?,?,?,?,?,?,?,?,?)",
			100+i, fmt.Sprintf("%.15s", text), "1.5", -i, 1e-7*float64(i), i%2, "2020-02-29", "2026-11-21 07:00:00", strings.ReplaceAll(text, "\x00", "0"))
	}
	s.link("things", "Things")
	client := tandemv1.NewRowServiceClient(s.conn)
	for _, mask := range []string{"", "values.title,etag", "syncState", "values,name"} {
		request := &tandemv1.ListRowsRequest{Parent: "links/things/sources/database", PageSize: 100, ShowTotal: true}
		path := "/v1/" + request.Parent + "/rows?page_size=100&show_total=true"
		if mask != "" {
			path += "&read_mask=" + mask
			request.ReadMask = &fieldmaskpb.FieldMask{Paths: strings.Split(mask, ",")}
		}
		page, err := client.ListRows(s.Context(), request)
		if err != nil {
			s.Fatal(err)
		}
		body := s.must("GET", path, "")
		page.SnapshotTime = nil
		delete(body, "snapshotTime")
		want, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(page)
		if err != nil {
			s.Fatal(err)
		}
		got, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		if len(page.Rows) != 3+len(oddTexts) {
			s.Errorf("%d rows", len(page.Rows))
		}
		sameJSON(t, want, got)
	}
}

// What is plainly valid is valid.
func FuzzPlainlyValid(f *testing.F) {
	for _, name := range []string{"links/a/sources/database/rows/1", "links/a-b/sources/sheet", "links/a-/sources/sheet", "links/a/sources/database/rows/", "links/A/sources/sheet",
		"links/a/sources/sheet/rows/b/rows/c", "links/" + strings.Repeat("a", 41) + "/sources/sheet", "links/a/sources/other", "links/a/sources/sheet/rows/\n", "links/a/sources/sheet/rows/\xff"} {
		f.Add(name, int32(50), "", int64(0))
	}
	f.Add("links/a/sources/sheet", int32(-1), strings.Repeat("x", 20001), int64(-1))
	f.Fuzz(func(t *testing.T, name string, size int32, token string, staleness int64) {
		get, list := &tandemv1.GetRowRequest{Name: name}, &tandemv1.ListRowsRequest{Parent: name, PageSize: size, PageToken: token}
		if staleness != 0 {
			get.MaxStaleness = durationpb.New(time.Duration(staleness))
			list.MaxStaleness = get.MaxStaleness
		}
		for _, request := range []proto.Message{get, list, &tandemv1.CreateRowRequest{Parent: name, Row: &tandemv1.Row{Values: &structpb.Struct{}}},
			&tandemv1.CreateRowRequest{Parent: name, RequestId: token}, &tandemv1.CreateRowRequest{Parent: name, Row: &tandemv1.Row{Name: token, Etag: token}}} {
			if server.PlainlyValid(request) {
				if err := server.Validate(request); err != nil {
					t.Errorf("%v is plainly valid, and is refused: %v", request, err)
				}
			}
		}
		if name == "links/a/sources/database/rows/1" && staleness == 0 && !server.PlainlyValid(get) {
			t.Error("the plainest of names is not seen to be valid")
		}
	})
}

// What was remembered of a link and its table a moment ago is never what a caller is answered with.
func TestRowsOfATableThatChanges(t *testing.T) {
	s := newStand(t, thingsSchema, emulator.Tab{Title: "Things"})
	s.link("things", "Things")
	const rows = "/v1/links/things/sources/database/rows"
	values := func(row map[string]any) map[string]any { return row["values"].(map[string]any) }
	before := len(values(s.must("GET", rows+"/1", "")))
	s.exec("ALTER TABLE things DROP COLUMN born")
	one := values(s.must("GET", rows+"/1", ""))
	if _, there := one["born"]; there || len(one) != before-1 {
		s.Errorf("a row after a column was dropped: %v", one)
	}
	s.must("GET", rows+"?page_size=2", "")
	s.exec("ALTER TABLE things ADD COLUMN born DATE")
	s.exec("ALTER TABLE things RENAME COLUMN title TO heading")
	s.refused(400, "row.values.title", "POST", rows, `{"values": {"id": 50, "title": "x"}}`)
	s.exec("ALTER TABLE things RENAME COLUMN heading TO title")
	if made := s.must("POST", rows, `{"values": {"id": 50, "title": "x", "born": "2026-11-21"}}`); values(made)["born"] != "2026-11-21" {
		s.Errorf("a row with a column that is there again: %v", made)
	}
	results := s.must("POST", rows+":mutate", `{"mutations": [{"mutationId": "a", "type": "CREATE", "row": {"values": {"id": 51, "title": "y"}}},
		{"mutationId": "b", "type": "CREATE", "row": {"values": {"id": 51, "title": "z"}}}, {"mutationId": "c", "type": "CREATE", "row": {"values": {"nothing": 1}}}]}`)["results"].([]any)
	for i, want := range []string{"APPLIED", "CONFLICT", "REJECTED"} {
		if got := results[i].(map[string]any)["status"]; got != want {
			s.Errorf("mutation %d: %v, want %s", i, got, want)
		}
	}
	s.must("DELETE", "/v1/links/things", "")
	s.refused(404, "", "GET", rows+"/1", "")
	s.refused(404, "", "GET", rows, "")
	s.refused(404, "", "POST", rows, `{"values": {"id": 60, "title": "x"}}`)
}
