package server

import (
	"regexp"
	"strings"

	"buf.build/go/protovalidate"
	"github.com/tandem-sync/tandem"
)

// violated returns a violation of the contract's rules as callers see it: the field, and what is wrong with it in words.
func violated(v *protovalidate.Violation) tandem.FieldViolation {
	path, rule, text := protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetRuleId(), v.Proto.GetMessage()
	field := violatedField(path, rule)
	// Rules that look into a message name its field in their text, too.
	last := field[strings.LastIndexByte(field, '.')+1:]
	text = strings.TrimPrefix(text, last+": ")
	switch found := shownPattern.FindStringSubmatch(text); {
	case found != nil:
		text = inWords(found[1])
	case strings.HasSuffix(text, "must be at least 1 characters"):
		text = "it must not be empty"
	}
	if last == "spreadsheet_id" {
		text += "; it is the part of the spreadsheet's address between /d/ and /edit"
	}
	return tandem.FieldViolation{Field: field, Description: text}
}

var shownPattern = regexp.MustCompile("^.*match regex pattern `(.*)`$")

// What the patterns of the contract stand for. Each is a name, of which these are the parts.
var spelled = strings.NewReplacer(
	`[a-z]([a-z0-9-]{0,38}[a-z0-9])?`, "{link}",
	`(database|sheet)`, "{source}",
	`rows/[^/]+`, "rows/{row}",
	`conflicts/[^/]+`, "conflicts/{conflict}",
	`changes/[1-9][0-9]{0,17}`, "changes/{change}",
	`tables/[^/]+`, "tables/{table}",
	`spreadsheets/[A-Za-z0-9_-]{1,200}`, "spreadsheets/{spreadsheet}",
	`tokens/[a-z0-9]{1,40}`, "tokens/{token}",
	`[A-Za-z0-9_-]*`, "{id}",
)

// inWords says what a text must be that does not match a pattern.
func inWords(pattern string) string {
	shape := spelled.Replace(strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$"))
	text := "it must look like " + shape
	switch {
	case strings.ContainsAny(shape, `[]()*+?\|^$`):
		text = "it does not have the form that it must have; /openapi.yaml describes it"
	case shape == "{id}":
		text = "it holds something else than letters, digits, hyphens and underscores"
	case shape == "{link}":
		text = "it must be 1 to 40 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen"
	case strings.Contains(shape, "{source}"):
		text += ", with database or sheet for {source}"
	}
	return text
}
