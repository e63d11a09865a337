package sheets_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/sheets/emulator"
)

// driveBench is a client whose calls are noted, and the emulator behind it.
func driveBench(t *testing.T) (google *emulator.Emulator, client *sheets.Client, calls *[]string) {
	t.Helper()
	google = emulator.New(emulator.Options{Seed: 1, Sleep: func(context.Context, time.Duration) {}})
	t.Cleanup(google.Close)
	calls = new([]string)
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: "http://emulator", HTTPClient: &http.Client{Transport: google.Transport()},
		OnCall: func(_ context.Context, call sheets.Call) {
			*calls = append(*calls, fmt.Sprint(call.Method, " ", call.Status))
		}})
	if err != nil {
		t.Fatal(err)
	}
	return google, client, calls
}

func TestChangesOverManyPages(t *testing.T) {
	google, client, calls := driveBench(t)
	token, err := client.ChangesStart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const files = 1200
	want := map[string]bool{}
	for n := range files {
		id := fmt.Sprint("file-", n)
		want[id] = true
		if _, err := google.Create(emulator.Spreadsheet{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	*calls = nil
	changes, next, err := client.Changes(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		if !want[change.ID] || change.At.IsZero() || change.Others {
			t.Fatalf("change %+v", change)
		}
		delete(want, change.ID)
	}
	if len(want) > 0 || len(changes) != files {
		t.Errorf("%d changes, %d files are missing", len(changes), len(want))
	}
	if got := strings.Join(*calls, ", "); got != "drive.changes.list 200, drive.changes.list 200" {
		t.Errorf("calls: %s", got)
	}
	if changes, _, err := client.Changes(t.Context(), next); len(changes) != 0 || err != nil {
		t.Errorf("after the end: %v, %v", changes, err)
	}
}

// Who changed a file is told where Drive says it, and a file that is gone is a change as well.
func TestChangesSayWho(t *testing.T) {
	google, client, _ := driveBench(t)
	for _, id := range []string{"person", "program", "gone"} {
		if _, err := google.Create(emulator.Spreadsheet{ID: id, Tabs: []emulator.Tab{{Title: "Data"}}}); err != nil {
			t.Fatal(err)
		}
	}
	token, err := client.ChangesStart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := google.Edit("person", emulator.Edit{SetCell: &emulator.SetCell{Sheet: "Data", A1: "A1", Input: "x"}}); err != nil {
		t.Fatal(err)
	}
	if before := client.LastWrite("program"); !before.IsZero() {
		t.Errorf("written at %s before the first write", before)
	}
	if err := client.Touch(t.Context(), "program"); err != nil {
		t.Fatal(err)
	}
	if client.LastWrite("program").IsZero() || !client.LastWrite("person").IsZero() {
		t.Error("it is not known what was written to")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://emulator/drive/v3/files/gone", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := google.Transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	changes, _, err := client.Changes(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]bool{}
	for _, change := range changes {
		others[change.ID] = change.Others
	}
	if fmt.Sprint(others) != "map[gone:false person:true program:false]" {
		t.Errorf("changed by others: %v", others)
	}
}

func TestChangesThatCannotBeListed(t *testing.T) {
	google, client, calls := driveBench(t)
	if _, _, err := client.Changes(t.Context(), "no-token"); !errors.Is(err, sheets.ErrStartAnew) {
		t.Errorf("with a token that Drive does not know: %v", err)
	}
	for status, reason := range map[int]string{http.StatusForbidden: "DRIVE_DISABLED", http.StatusServiceUnavailable: "GOOGLE_UNAVAILABLE"} {
		if err := google.AddFault(emulator.Fault{Method: "drive.changes.list", Kind: "before", Status: status}); err != nil {
			t.Fatal(err)
		}
		*calls = nil
		_, _, err := client.Changes(t.Context(), "1")
		var problem *tandem.Error
		if !errors.As(err, &problem) || problem.Reason != reason || errors.Is(err, sheets.ErrStartAnew) {
			t.Errorf("status %d: %v", status, err)
		}
		if len(*calls) != 1 { // nothing is repeated
			t.Errorf("calls: %v", *calls)
		}
	}
}
