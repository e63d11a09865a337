package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (c *call) listFiles() (any, error) {
	match, err := parseQuery(c.query.Get("q"))
	if err != nil {
		return nil, err
	}
	size := 100
	if n, err := strconv.Atoi(c.query.Get("pageSize")); err == nil && n > 0 {
		size = min(n, 1000)
	}
	start := 0
	if t := c.query.Get("pageToken"); t != "" {
		if start, err = strconv.Atoi(strings.TrimPrefix(t, "~")); err != nil {
			return nil, driveError(http.StatusBadRequest, "invalid", "pageToken", "Invalid Value")
		}
	}
	e := c.emulator
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []*file
	for _, id := range e.order {
		if f := e.files[id]; match(f) {
			found = append(found, f)
		}
	}
	if err := orderFiles(found, c.query.Get("orderBy")); err != nil {
		return nil, err
	}
	answer := object{"kind": "drive#fileList", "incompleteSearch": false}
	items := []any{}
	for _, f := range found[min(start, len(found)):min(start+size, len(found))] {
		items = append(items, c.brief(f.resource()))
	}
	answer["files"] = items
	if start+size < len(found) {
		answer["nextPageToken"] = "~" + strconv.Itoa(start+size)
	}
	return answer, nil
}

// orderFiles sorts as orderBy says; by default the latest change comes first.
func orderFiles(found []*file, by string) error {
	if by == "" {
		by = "modifiedTime desc"
	}
	keys := strings.Split(by, ",")
	for i := len(keys) - 1; i >= 0; i-- {
		name, way, _ := strings.Cut(strings.TrimSpace(keys[i]), " ")
		compare := map[string]func(a, b *file) int{
			"name":         func(a, b *file) int { return strings.Compare(a.name, b.name) },
			"name_natural": func(a, b *file) int { return strings.Compare(a.name, b.name) },
			"createdTime":  func(a, b *file) int { return a.created.Compare(b.created) },
			"modifiedTime": func(a, b *file) int { return a.modified.Compare(b.modified) },
			"folder": func(a, b *file) int {
				return strings.Compare(strconv.FormatBool(a.mime != folderType), strconv.FormatBool(b.mime != folderType))
			},
		}[name]
		if compare == nil {
			return unsupported("files.list ordered by %q", name)
		}
		slices.SortStableFunc(found, func(a, b *file) int {
			if way == "desc" {
				return compare(b, a)
			}
			return compare(a, b)
		})
	}
	return nil
}
