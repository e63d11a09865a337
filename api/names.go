package api

import (
	"net/url"
	"strings"

	"github.com/tandem-sync/tandem"
)

// Resource names. Requests reach the services only after their names matched the patterns of the contract, so the
// functions here are exact where it matters (the row's key) and brief elsewhere.

func linkName(id string) string { return "links/" + id }

func linkID(name string) (string, error) {
	id, found := strings.CutPrefix(name, "links/")
	if !found || id == "" || strings.Contains(id, "/") {
		return "", tandem.InvalidField("name", "%q is not the name of a link, links/{link}", name)
	}
	return id, nil
}

func sourceName(link string, source tandem.Source) string {
	return linkName(link) + "/sources/" + string(source)
}

// parseSource splits links/{link}/sources/{source}.
func parseSource(field, name string) (link string, source tandem.Source, err error) {
	parts := strings.Split(name, "/")
	if len(parts) == 4 && parts[0] == "links" && parts[1] != "" && parts[2] == "sources" {
		source = tandem.Source(parts[3])
		if source == tandem.Database || source == tandem.Sheet {
			return parts[1], source, nil
		}
	}
	return "", "", tandem.InvalidField(field, "%q is not a source, links/{link}/sources/{source} with database or sheet for {source}", name)
}

func conflictName(link string, key tandem.Key) string {
	return linkName(link) + "/conflicts/" + escapeKey(key)
}

// parseConflict splits a conflict's name into its link and {conflict}, which is a row's key and still percent-encoded.
func parseConflict(field, name string) (link, row string, err error) {
	parent, row, found := strings.Cut(name, "/conflicts/")
	link, isLink := strings.CutPrefix(parent, "links/")
	if !found || !isLink || link == "" || row == "" || strings.Contains(link, "/") || strings.Contains(row, "/") {
		return "", "", tandem.InvalidField(field,
			"%q is not the name of a conflict, links/{link}/conflicts/{conflict}, with the row's key percent-encoded for {conflict}", name)
	}
	return link, row, nil
}

func rowName(link string, source tandem.Source, key tandem.Key) string {
	if key == "" {
		return ""
	}
	return sourceName(link, source) + "/rows/" + escapeKey(key)
}

// parseRow splits a row's name into its source and {row}, which is still percent-encoded.
func parseRow(field, name string) (link string, source tandem.Source, row string, err error) {
	parent, row, found := strings.Cut(name, "/rows/")
	if !found || row == "" || strings.Contains(row, "/") {
		return "", "", "", tandem.InvalidField(field,
			"%q is not the name of a row, links/{link}/sources/{source}/rows/{row}, with the key percent-encoded for {row}", name)
	}
	link, source, err = parseSource(field, parent)
	return link, source, row, err
}

// parseKey returns the canonical key that {row} of a row's name means, so that rows/007 finds 7. Columns are the link's.
func parseKey(field, row string, key []string, columns []tandem.Column) (tandem.Key, error) {
	text, err := url.PathUnescape(row)
	if err != nil {
		return "", tandem.InvalidField(field, "the key %q is not percent-encoded as it should be: %v", row, err)
	}
	parts, err := tandem.Key(text).Parts(len(key))
	if err != nil {
		return "", tandem.InvalidField(field, "%v; the key is %s", err, strings.Join(key, "~"))
	}
	values := make([]tandem.Value, len(key))
	for i, name := range key {
		column := columnNamed(columns, name)
		if column == nil {
			return "", tandem.Errorf(tandem.CodePrecondition, "KEY_COLUMN_NOT_LINKED", "the key column %q is not linked", name)
		}
		if values[i], err = column.Type.Parse(parts[i]); err != nil {
			return "", tandem.InvalidField(field, "key column %s: %v", name, err)
		}
	}
	canonical := tandem.MakeKey(values...)
	if canonical == "" {
		return "", tandem.InvalidField(field, "the key is empty")
	}
	return canonical, nil
}

// escapeKey percent-encodes all but unreserved characters, and dots where a path would take them for a folder.
func escapeKey(key tandem.Key) string {
	if strings.Trim(string(key), ".") == "" {
		return strings.ReplaceAll(string(key), ".", "%2E")
	}
	return escape(string(key))
}

func escape(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func columnNamed(columns []tandem.Column, name string) *tandem.Column {
	for i := range columns {
		if columns[i].Name == name {
			return &columns[i]
		}
	}
	return nil
}
