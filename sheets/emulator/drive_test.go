package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestDriveListQueries(t *testing.T) {
	b := newBench(t)
	folder := fmt.Sprint(b.must("POST", "/drive/v3/files", `{"name":"Folder","mimeType":"application/vnd.google-apps.folder"}`)["id"])
	b.now = b.now.Add(time.Hour)
	b.must("POST", "/drive/v3/files", `{"name":"It's here","mimeType":"application/vnd.google-apps.spreadsheet","parents":["`+folder+`"]}`)
	for _, test := range []struct{ q, want string }{
		{"", "[It's here Bench Folder]"},
		{"mimeType='application/vnd.google-apps.spreadsheet'", "[It's here Bench]"},
		{`mimeType="application/vnd.google-apps.spreadsheet" and name = "Bench"`, "[Bench]"},
		{"name = 'It\\'s here'", "[It's here]"}, {"name contains 'ben' or name contains 'fold'", "[Bench Folder]"},
		{"'" + folder + "' in parents", "[It's here]"}, {`parents in "` + folder + `"`, "[It's here]"}, {"'root' in parents and not mimeType contains 'folder'", "[Bench]"},
		{"trashed = true", "[]"}, {"modifiedTime > '2026-11-21T07:30:00Z'", "[It's here]"},
	} {
		out := b.must("GET", "/drive/v3/files?q="+url.QueryEscape(test.q), "")
		names := []any{}
		for _, f := range out["files"].([]any) {
			names = append(names, f.(map[string]any)["name"])
		}
		if got := fmt.Sprint(names); got != test.want {
			t.Errorf("%s: want %s, got %s", test.q, test.want, got)
		}
	}
	if code, _, _ := b.call(context.Background(), "GET", "/drive/v3/files?q=nonsense", ""); code != http.StatusBadRequest {
		t.Errorf("a query that makes no sense: %d", code)
	}
}

func TestDriveChangesNameEachFileOnce(t *testing.T) {
	b := newBench(t)
	token := fmt.Sprint(b.must("GET", "/drive/v3/changes/startPageToken", "")["startPageToken"])
	before := b.must("GET", "/drive/v3/files/s?fields=version,modifiedTime", "")
	b.now = b.now.Add(time.Second)
	for range 3 {
		b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["x"]]}`)
	}
	list := b.must("GET", "/drive/v3/changes?pageToken="+token, "")
	if n := len(list["changes"].([]any)); n != 1 {
		t.Errorf("%d changes for one file", n)
	}
	if again := b.must("GET", "/drive/v3/changes?pageToken="+fmt.Sprint(list["newStartPageToken"]), ""); len(again["changes"].([]any)) != 0 {
		t.Errorf("seen twice: %v", again)
	}
	after := b.must("GET", "/drive/v3/files/s?fields=version,modifiedTime", "")
	if before["version"] == after["version"] || after["modifiedTime"] != "2026-11-21T07:00:01.000Z" {
		t.Errorf("before %v, after %v", before, after)
	}
	b.must("GET", "/v4/spreadsheets/s/values/A1", "")
	if read := b.must("GET", "/drive/v3/files/s?fields=version", ""); read["version"] != after["version"] {
		t.Error("a read changed the version")
	}
	b.must("DELETE", "/drive/v3/files/s", "")
	removed := b.must("GET", "/drive/v3/changes?pageToken="+fmt.Sprint(list["newStartPageToken"]), "")["changes"].([]any)
	if len(removed) != 1 || removed[0].(map[string]any)["removed"] != true {
		t.Errorf("after a deletion: %v", removed)
	}
}

func TestDriveChannels(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/drive/v3/changes/watch?pageToken=1", `{"id":"c1","type":"web_hook","address":"https://tandem/drive","token":"t"}`)
	b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["x"]]}`)
	states := ""
	for _, r := range b.hooked {
		states += r.Header.Get("X-Goog-Message-Number") + r.Header.Get("X-Goog-Resource-State") + " " + r.Header.Get("X-Goog-Channel-Token") + " "
	}
	if states != "1sync t 2change t " {
		t.Errorf("told %q", states)
	}
	b.now = b.now.Add(2 * time.Hour) // an hour is what a channel lives
	b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["y"]]}`)
	if len(b.hooked) != 2 {
		t.Error("told after the channel expired")
	}
	channel := b.must("POST", "/drive/v3/files/s/watch", `{"id":"c2","type":"web_hook","address":"https://tandem/drive"}`)
	b.must("POST", "/drive/v3/channels/stop", `{"id":"c2","resourceId":"`+fmt.Sprint(channel["resourceId"])+`"}`)
	b.must("PUT", "/v4/spreadsheets/s/values/A1?valueInputOption=RAW", `{"values":[["z"]]}`)
	if len(b.hooked) != 3 {
		t.Errorf("told %d times", len(b.hooked))
	}
}

func TestDrivePermissionsAreKept(t *testing.T) {
	b := newBench(t)
	p := b.must("POST", "/drive/v3/files/s/permissions", `{"type":"user","role":"writer","emailAddress":"a@example.com"}`)
	if n := len(b.must("GET", "/drive/v3/files/s/permissions", "")["permissions"].([]any)); n != 2 {
		t.Errorf("%d permissions", n)
	}
	b.must("DELETE", "/drive/v3/files/s/permissions/"+fmt.Sprint(p["id"]), "")
	if n := len(b.must("GET", "/drive/v3/files/s/permissions", "")["permissions"].([]any)); n != 1 {
		t.Errorf("%d permissions after the deletion", n)
	}
}
