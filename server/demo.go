package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// demoSpreadsheet is the id of the demo's spreadsheet within the emulator.
const demoSpreadsheet = "1tandem-demo-anime"

// DemoOptions say where a demo listens and what it keeps.
type DemoOptions struct {
	Data         string // folder that keeps the database; "" is a temporary one
	HTTPAddr     string
	GRPCAddr     string
	EmulatorAddr string
	LogLevel     slog.Level
}

// Demo shows the main job with nothing but this program: a table in SQLite and a tab in the emulator that partly differ
// are linked and brought in step through the API, a report is written to out, and then it serves until ctx ends.
func Demo(ctx context.Context, options DemoOptions, out, logs io.Writer) (err error) {
	folder := options.Data
	if folder == "" {
		if folder, err = os.MkdirTemp("", "tandem-demo-"); err != nil {
			return fmt.Errorf("make folder for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	} else if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make folder for the demo: %w", err)
	}
	google, err := startEmulator(ctx, options.EmulatorAddr, "--emulator-addr")
	if err != nil {
		return err
	}
	defer google.close()
	rows, err := demoRows()
	if err != nil {
		return err
	}
	database := filepath.Join(folder, "tandem.db")
	if err := seedTable(ctx, database, rows); err != nil {
		return fmt.Errorf("fill the demo's table: %w", err)
	}
	if err := seedTab(google.emulator, rows); err != nil {
		return fmt.Errorf("fill the demo's sheet: %w", err)
	}
	config := Config{HTTPAddr: options.HTTPAddr, GRPCAddr: options.GRPCAddr, DatabaseURL: "sqlite:" + database, SheetsEndpoint: google.url,
		Auth: AuthNone, PollInterval: 2 * time.Second, LogLevel: options.LogLevel}
	s, err := New(ctx, config, Logger(logs, options.LogLevel))
	if err != nil {
		return err
	}
	announce(s, Logger(logs, slog.LevelInfo))

	d := &demo{s: s, out: out, folder: folder, database: database, kept: options.Data != "", google: google.url}
	running, stop := context.WithCancel(ctx)
	defer stop()
	again, err := d.forget(ctx)
	if err != nil {
		stop()
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(running) }()
	if err == nil {
		err = d.show(running, again)
	}
	if err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(err, <-served)
	}
	return <-served
}

// runningEmulator is an emulator with its own listener.
type runningEmulator struct {
	emulator *emulator.Emulator
	server   *http.Server
	url      string
}

// startEmulator starts one at an address, which a flag gives.
func startEmulator(ctx context.Context, addr, flag string) (*runningEmulator, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the emulator: %w", portTaken(err, flag))
	}
	e := emulator.New(emulator.Options{})
	r := &runningEmulator{emulator: e, server: &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second},
		url: "http://" + listener.Addr().String() + "/"}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

func (r *runningEmulator) close() {
	r.emulator.Close()
	_ = r.server.Close()
}

// demo is one run of the demo against a server in this process.
type demo struct {
	s        *Server
	out      io.Writer
	folder   string
	database string // its file
	kept     bool
	google   string
}

// show links the two sides, brings them in step and tells what happened.
func (d *demo) show(ctx context.Context, again bool) error {
	if err := d.link(ctx); err != nil {
		return err
	}
	done, err := d.sync(ctx)
	if err != nil {
		return err
	}
	return d.report(done, again)
}

// forget removes the link that an earlier run left in the database, and reports whether there was one. The emulator begins anew
// with each run, which would look to that link as if people had deleted and changed rows: it goes before any worker sees it.
func (d *demo) forget(ctx context.Context) (again bool, err error) {
	_, err = tandemv1.NewLinkServiceClient(d.s.Channel()).DeleteLink(ctx, &tandemv1.DeleteLinkRequest{Name: "links/anime"})
	if err != nil && status.Code(err) != codes.NotFound {
		return false, fmt.Errorf("remove the link of an earlier run: %w", err)
	}
	return err == nil, nil
}

func (d *demo) link(ctx context.Context) error {
	_, err := tandemv1.NewLinkServiceClient(d.s.Channel()).CreateLink(ctx, &tandemv1.CreateLinkRequest{LinkId: "anime", Link: &tandemv1.Link{
		DisplayName:   "Anime catalogue",
		Table:         "anime",
		SpreadsheetId: demoSpreadsheet,
		Tab:           "Anime",
		Columns: []*tandemv1.Link_Column{
			{Column: "id"}, {Column: "title"}, {Column: "episodes"},
			{Column: "score", ConflictPolicy: tandemv1.Link_SHEET_WINS},
			{Column: "aired"}, {Column: "genre"}, {Column: "airing"},
			{Column: "updated_at", Owner: tandemv1.Link_Column_DATABASE},
		},
		UpdateTimeColumn: "updated_at",
	}})
	if err != nil {
		return fmt.Errorf("create link: %w", err)
	}
	return nil
}

func (d *demo) sync(ctx context.Context) (*tandemv1.InitialSyncResponse, error) {
	op, err := tandemv1.NewLinkServiceClient(d.s.Channel()).InitialSync(ctx, &tandemv1.InitialSyncRequest{Name: "links/anime"})
	if err != nil {
		return nil, fmt.Errorf("start initial sync: %w", err)
	}
	operations := longrunningpb.NewOperationsClient(d.s.Channel())
	for !op.GetDone() {
		request := &longrunningpb.WaitOperationRequest{Name: op.GetName(), Timeout: durationpb.New(10 * time.Second)}
		if op, err = operations.WaitOperation(ctx, request); err != nil {
			return nil, fmt.Errorf("wait for initial sync: %w", err)
		}
	}
	if failure := op.GetError(); failure != nil {
		return nil, fmt.Errorf("initial sync: %s", failure.GetMessage())
	}
	done := &tandemv1.InitialSyncResponse{}
	if err := op.GetResponse().UnmarshalTo(done); err != nil {
		return nil, fmt.Errorf("read result of initial sync: %w", err)
	}
	return done, nil
}

func (d *demo) report(done *tandemv1.InitialSyncResponse, again bool) error {
	c := done.GetCounts()
	_, err := fmt.Fprintf(d.out, `
Tandem linked the table "anime" (SQLite) with the tab "Anime" (an emulated Google Sheet) and brought them in step:

  %4d rows were equal on both sides
  %4d rows stood only in the sheet and were added to the database
  %4d rows stood only in the database and were added to the sheet
  %4d rows differed and the database won
  %4d rows differed and the sheet won (its scores count, as the link says)
  %4d rows could not be carried over

In the sheet %d rows were changed: those in which the database won, and those that the database took from the sheet, since
it dates what it writes (updated_at) and the sheet shows that date.

It took %s and %d Google calls (%d that read, %d that write).
`, c.GetEqual(), c.GetInsertDatabase(), c.GetInsertSheet(), c.GetSettledDatabaseWon(), c.GetSettledSheetWon(), c.GetRefused(), c.GetUpdateSheet(),
		done.GetDuration().AsDuration().Round(time.Millisecond), done.GetApiCalls().GetReads()+done.GetApiCalls().GetWrites(),
		done.GetApiCalls().GetReads(), done.GetApiCalls().GetWrites())
	if err != nil {
		return err
	}
	if d.kept {
		_, _ = fmt.Fprintf(d.out, "The database is kept in %s. The sheet is not: it begins anew with each run.\n", d.folder)
	}
	if again {
		_, _ = fmt.Fprintln(d.out, "An earlier run left a database here; its rows were linked with the new sheet.")
	}
	api := "http://" + d.s.HTTPAddr() + "/v1/links/anime"
	_, err = fmt.Fprintf(d.out, `
Now both sides follow each other. Open the console: %[3]s/
Look at the sheet, and edit it: %[1]s

Try:
  curl %[2]s
  curl '%[2]s/sources/database/rows?page_size=3'
  curl '%[2]s/sources/sheet/rows/2'

Change a score in the database, and see it in the sheet:
  curl -X PATCH %[2]s/sources/database/rows/2 -d '{"values": {"score": "9.99"}}'

The same by SQL, as other programs write to the database:
  sqlite3 -cmd '.timeout 5000' '%[6]s' "UPDATE anime SET score = 8.88 WHERE id = 2"

Add a row to the sheet, and see it in the database:
  curl -X POST %[2]s/sources/sheet/rows -d '{"values": {"id": %[4]s, "title": "My own show", "score": "7.50", "airing": true}}'
  curl %[2]s/sources/database/rows/1000

What an initial sync would do now (nothing, we hope):
  curl -X POST %[2]s:initialSync -d '{"validateOnly": true}'
  curl %[3]s/v1/operations

gRPC with reflection is at %[5]s, the API is shown at %[3]s/docs. Ctrl-C ends the demo.
`, d.google, api, "http://"+d.s.HTTPAddr(), `"1000"`, d.s.GRPCAddr(), d.database)
	return err
}
