package sheets

import (
	"net/http"
	"strings"
)

// methodOf returns what Google calls the method of a request, and whether it counts as a write. What is posted is a write,
// apart from reads whose question is too long for an address. Methods of Drive have quotas of their own.
func methodOf(request *http.Request) (name string, write, drive bool) {
	parts := strings.Split(strings.Trim(request.URL.EscapedPath(), "/"), "/")
	for at, part := range parts {
		if part == "drive" {
			return driveMethod(request.Method, parts[at:]), request.Method != http.MethodGet, true
		}
		if part == "spreadsheets" {
			name = sheetsMethod(request.Method, parts[at+1:])
			break
		}
	}
	asks := strings.HasSuffix(name, "ByDataFilter") && name != "spreadsheets.values.batchUpdateByDataFilter" &&
		name != "spreadsheets.values.batchClearByDataFilter" || strings.HasSuffix(name, ".search")
	return name, request.Method != http.MethodGet && !asks, false
}

// sheetsMethod names a method by what follows "spreadsheets" in its path: an id with a verb, a collection with a verb, or
// a member of a collection.
func sheetsMethod(method string, parts []string) string {
	name := "spreadsheets"
	if len(parts) > 1 {
		collection, verb, found := strings.Cut(parts[1], ":")
		name += "." + collection
		if found {
			return name + "." + verb
		}
	}
	if len(parts) > 0 {
		last := parts[len(parts)-1]
		verb := last[strings.LastIndex(last, ":")+1:]
		if verb != last && (len(parts) != 3 || isVerb(verb)) {
			return name + "." + verb
		}
	}
	return name + "." + plainVerb(method, len(parts) > 0)
}

// isVerb tells the verb after a range from a range that holds a colon.
func isVerb(text string) bool { return text == "append" || text == "clear" || text == "copyTo" }

func driveMethod(method string, parts []string) string {
	name := "drive"
	if len(parts) < 3 {
		return name
	}
	name += "." + parts[2]
	switch {
	case len(parts) == 4 && parts[3] == "startPageToken":
		return name + ".getStartPageToken"
	case len(parts) > 4:
		name += "." + parts[len(parts)-1]
	}
	return name + "." + plainVerb(method, len(parts) > 3)
}

// plainVerb is the verb of a method that its path does not name.
func plainVerb(method string, one bool) string {
	switch method {
	case http.MethodGet:
		if one {
			return "get"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodDelete:
		return "delete"
	}
	return "update"
}
