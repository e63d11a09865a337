package emulator_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// comparer compares an answer with the recorded one: all of it, but for what no two servers have in common.
type comparer struct {
	ids         map[string]string              // spreadsheets and files: recorded to live
	sheetIDs    map[string]map[float64]float64 // by spreadsheet
	made        map[string]any                 // other ids that the server makes, by field and recorded value
	touched     map[string]bool                // fields that the case has set
	written     map[string]bool
	ignored     []string
	spreadsheet string
	drive       bool
	differences []string
}

func newComparer(ignore []string) comparer {
	return comparer{ids: map[string]string{}, sheetIDs: map[string]map[float64]float64{}, made: map[string]any{},
		touched: map[string]bool{}, written: map[string]bool{}, ignored: ignore}
}

var (
	madeIDs  = []string{"namedRangeId", "protectedRangeId", "filterViewId", "bandedRangeId", "metadataId"}
	sheetIDs = []string{"sheetId", "sheet_id", "sourceSheetId"}
	// The defaults of an account, compared once the case has set them.
	accountDefaults = []string{"locale", "timeZone", "autoRecalc", "pixelSize", "userEnteredFormat"}
	neverCompared   = []string{"defaultFormat", "spreadsheetTheme", "effectiveFormat", "importFunctionsExternalUrlAccessAllowed", "spreadsheetUrl"}
	driveVolatile   = strings.Fields(`createdTime modifiedTime createdDate modifiedDate modifiedByMeDate lastViewedByMeDate
		markedViewedByMeDate version etag selfLink alternateLink embedLink iconLink exportLinks webViewLink thumbnailLink owners
		ownerNames lastModifyingUser lastModifyingUserName permissionId userPermission parents capabilities quotaBytesUsed spaces
		labels editable copyable writersCanShare shared explicitlyTrashed appDataContents downloadUrl md5Checksum nextPageToken incompleteSearch`)
	colours = []string{"red", "green", "blue", "alpha"}
	word    = regexp.MustCompile(`[A-Za-z_]+`)
)

func (c *comparer) begin(spreadsheet string, drive bool) {
	c.spreadsheet, c.drive, c.differences = spreadsheet, drive, nil
}

func (c *comparer) mapText(s string) string {
	return longToken.ReplaceAllStringFunc(s, func(id string) string {
		if live, ok := c.ids[id]; ok {
			return live
		}
		return id
	})
}

func (c *comparer) mapSheet(spreadsheet string, id float64) float64 {
	if live, ok := c.sheetIDs[spreadsheet][id]; ok {
		return live
	}
	return id
}

func (c *comparer) bindSheet(spreadsheet string, recorded, live float64) {
	if c.sheetIDs[spreadsheet] == nil {
		c.sheetIDs[spreadsheet] = map[float64]float64{}
	}
	c.sheetIDs[spreadsheet][recorded] = live
}

// mapBody writes a request with the ids that are alive.
func (c *comparer) mapBody(v any, spreadsheet string) any {
	switch v := v.(type) {
	case string:
		return c.mapText(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = c.mapBody(x, spreadsheet)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, x := range v {
			n, isNumber := x.(float64)
			if live, ok := c.made[fmt.Sprint(name, x)]; ok && slices.Contains(madeIDs, name) {
				out[name] = live
			} else if isNumber && slices.Contains(sheetIDs, name) {
				out[name] = c.mapSheet(spreadsheet, n)
			} else {
				out[name] = c.mapBody(x, spreadsheet)
			}
		}
		_, hasID := v["sheetId"]
		if zero := c.mapSheet(spreadsheet, 0); zero != 0 && !hasID && isGridRange(v) {
			out["sheetId"] = zero
		}
		return out
	}
	return v
}

func isGridRange(v map[string]any) bool {
	for name := range v {
		if strings.HasSuffix(name, "RowIndex") || strings.HasSuffix(name, "ColumnIndex") {
			return true
		}
	}
	return v["dimension"] != nil
}

// touch notes which fields a request sets.
func (c *comparer) touch(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			c.touch(x)
		}
	case map[string]any:
		for name, x := range v {
			c.touched[name] = true
			if s, ok := x.(string); ok && name == "fields" {
				for _, w := range word.FindAllString(s, -1) {
					c.touched[w] = true
				}
			}
			c.touch(x)
		}
	}
}

func (c *comparer) bindDocument(recorded map[string]any, live any) {
	l, ok := live.(map[string]any)
	if !ok {
		return
	}
	for _, name := range []string{"spreadsheetId", "id"} {
		a, isID := recorded[name].(string)
		b, _ := l[name].(string)
		if isID && (name == "spreadsheetId" || c.drive) && c.ids[a] == "" {
			c.ids[a] = b
		}
	}
}

func (c *comparer) differ(where, format string, args ...any) {
	if len(c.differences) < 3 {
		c.differences = append(c.differences, where+": "+fmt.Sprintf(format, args...))
	}
}

func (c *comparer) skips(name string) bool {
	switch {
	case slices.Contains(c.ignored, name), slices.Contains(neverCompared, name), name == "details" || name == "errors",
		c.drive && slices.Contains(driveVolatile, name):
		return true
	case slices.Contains(accountDefaults, name):
		return !c.touched[name]
	case name == "gridProperties":
		return !c.written[c.spreadsheet]
	}
	return false
}

func (c *comparer) values(want, got any, where, name string) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			c.differ(where, "want an object, got %v", got)
			return
		}
		c.objects(w, g, where)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			c.differ(where, "want %v, got %v", want, got)
			return
		}
		for i := range w {
			c.values(w[i], g[i], fmt.Sprintf("%s[%d]", where, i), name)
		}
	case float64:
		g, ok := got.(float64)
		if near := math.Abs(w-g) <= 1e-12*math.Max(math.Abs(w), math.Abs(g)) || slices.Contains(colours, name) && math.Abs(w-g) < 0.003; !ok || !near {
			c.differ(where, "want %v, got %v", want, got)
		}
	case string:
		if g, ok := got.(string); !ok || c.mapText(w) != g {
			c.differ(where, "want %q, got %v", c.mapText(w), got)
		}
	default:
		if want != got {
			c.differ(where, "want %v, got %v", want, got)
		}
	}
}

func (c *comparer) objects(want, got map[string]any, where string) {
	for name := range got {
		if _, ok := want[name]; !ok && !c.skips(name) && !(name == "sheetId" && isGridRange(got)) {
			c.differ(where+"."+name, "not in the recording: %v", got[name])
		}
	}
	for name, w := range want {
		at := where + "." + name
		if c.skips(name) {
			continue
		}
		g, ok := got[name]
		if !ok {
			if !(name == "sheetId" && isGridRange(want)) && !(slices.Contains(colours, name) && w == 0.0) {
				c.differ(at, "missing: %v", w)
			}
			continue
		}
		c.field(name, w, g, at)
	}
}

// field compares ids by what they are bound to.
func (c *comparer) field(name string, want, got any, at string) {
	switch {
	case name == "spreadsheetId", name == "id" && c.drive:
		if id, _ := want.(string); c.ids[id] != got {
			c.differ(at, "want the file %s, got %v", c.ids[id], got)
		}
	case slices.Contains(sheetIDs, name):
		w, g := want.(float64), got.(float64)
		if live, ok := c.sheetIDs[c.spreadsheet][w]; !ok {
			c.bindSheet(c.spreadsheet, w, g)
		} else if live != g {
			c.differ(at, "want tab %v, got %v", live, g)
		}
	case slices.Contains(madeIDs, name):
		key := fmt.Sprint(name, want)
		if live, ok := c.made[key]; !ok {
			c.made[key] = got
		} else if live != got {
			c.differ(at, "want %v, got %v", live, got)
		}
	default:
		c.values(want, got, at, name)
	}
}
