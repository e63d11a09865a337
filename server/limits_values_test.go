package server_test

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// A request of millions of tiny values, each a hundred bytes of memory, is refused before it is read, whatever its token allows.
func TestManyTinyValues(t *testing.T) {
	g := newGuarded(t, func(*server.Config) {}, filmTable, emulator.Tab{Title: "Film"})
	g.makeLink("film", "film", "Film")
	viewer, _ := g.token("reader", tandem.RoleViewer, 0)
	const path, source = "/v1/links/film/sources/database/rows", "links/film/sources/database"
	overREST := func() string {
		return g.call("POST", path, `{"values": {"title": [`+strings.Repeat("0,", 7_000_000)+`0]}}`, as(viewer)...).text
	}
	overGRPC := func() string {
		within := func(field protowire.Number, data []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), data)
		}
		list := within(6, bytes.Repeat([]byte{0x0a, 0x00}, 7_000_000)) // empty values of a ListValue
		entry := append(within(1, []byte("title")), within(2, list)...)
		row := within((&tandemv1.Row{}).ProtoReflect().Descriptor().Fields().ByName("values").Number(), within(1, entry))
		request := &tandemv1.CreateRowRequest{Parent: source}
		request.ProtoReflect().SetUnknown(within(request.ProtoReflect().Descriptor().Fields().ByName("row").Number(), row))
		_, err := tandemv1.NewRowServiceClient(g.conn).CreateRow(g.with(viewer), request, grpc.MaxCallSendMsgSize(64<<20))
		return err.Error()
	}
	for name, call := range map[string]func() string{"REST": overREST, "gRPC": overGRPC} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		text := call()
		runtime.ReadMemStats(&after)
		if !strings.Contains(text, "500000 values") || name == "gRPC" && !strings.Contains(text, "InvalidArgument") || name == "REST" && !strings.Contains(text, `"code":3`) {
			t.Errorf("over %s: %.300s", name, text)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 300 {
			t.Errorf("over %s it took %d MB", name, took)
		}
	}
	// What the limit is not for: long texts, however many commas they hold.
	long := strings.Repeat(`,[{\"`, 1_000_000)
	g.must("POST", path, `{"values": {"id": "9", "note": "`+long+`"}}`, as(g.admin)...)
	note, err := tandemv1.NewRowServiceClient(g.conn).GetRow(g.with(g.admin), &tandemv1.GetRowRequest{Name: source + "/rows/9"}, grpc.MaxCallRecvMsgSize(64<<20))
	if err != nil || len(note.GetValues().GetFields()["note"].GetStringValue()) != 4_000_000 {
		t.Errorf("a long text: %v", err)
	}
}

// Calls that cannot be read count as much as others: they cost as much.
func TestRateOfWhatCannotBeRead(t *testing.T) {
	g := newGuarded(t, func(config *server.Config) { config.RequestsPerSecond = 1 }, filmTable, emulator.Tab{Title: "Film"})
	viewer, _ := g.token("reader", tandem.RoleViewer, 0)
	for i, want := range []int{400, 400, 429} {
		got := g.call("POST", "/v1/links/film/sources/database/rows", `{"values": [`, as(viewer)...)
		if got.status != want || want == 429 && got.header.Get("Retry-After") == "" {
			t.Errorf("call %d: status %d, want %d: %s", i, got.status, want, got.text)
		}
	}
	other, _ := g.token("another", tandem.RoleViewer, 0)
	for i, want := range []int{200, 200, 429} { // and none counts twice
		if got := g.call("GET", "/v1/links", "", as(other)...); got.status != want {
			t.Errorf("call %d: status %d, want %d: %s", i, got.status, want, got.text)
		}
	}
}

// Nobody goes through the rows of a tab for a caller who is gone.
func TestFilterEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	wanted := server.UntilDone(ctx, func([]tandem.Value) bool { asked++; return true })
	for i := range 1000 {
		if i == 200 {
			cancel()
		}
		wanted(nil)
	}
	if asked > 300 {
		t.Errorf("%d rows were looked at", asked)
	}
}
