package tandem_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem"
)

// Stored values come back as they were; above all, Absent does not become NULL.
func TestValueJSON(t *testing.T) {
	want := []tandem.Value{tandem.Absent, tandem.Null, tandem.Text(""), tandem.Text("null"), tandem.Text("{}"), tandem.Invalid("#N/A"), tandem.Invalid("")}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got []tandem.Value
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tandem.Value{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", data, diff)
	}
}
