package emulator

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/api/sheets/v4"
)

// apiMethod is one method of Google's that the emulator speaks.
type apiMethod struct {
	id      string // as in Google's discovery document, and in stats and faults
	verb    string
	pattern *regexp.Regexp
	answer  *schema // for field masks; nil takes any
	write   bool    // for quotas
	drive   bool
	do      func(c *call) (any, error)
}

func newMethod(id, verb, path string, answer *schema, do func(c *call) (any, error)) *apiMethod {
	pattern := "^" + regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(path, `(?P<$1>[^/]+?)`) + "$"
	return &apiMethod{id: id, verb: verb, pattern: regexp.MustCompile(pattern), answer: answer,
		write: verb != http.MethodGet, drive: strings.HasPrefix(id, "drive."), do: do}
}

const sheetsRoot = "/v4/spreadsheets"

func sheetsMethods() []*apiMethod {
	one := sheetsRoot + "/{spreadsheetId}"
	return []*apiMethod{
		newMethod("spreadsheets.create", "POST", sheetsRoot, spreadsheetOf, (*call).createSpreadsheet),
		newMethod("spreadsheets.batchUpdate", "POST", one+"/?:batchUpdate", batchAnswerOf, (*call).batchUpdate),
		newMethod("spreadsheets.getByDataFilter", "POST", one+"/?:getByDataFilter", spreadsheetOf, (*call).getByDataFilter),
		newMethod("spreadsheets.get", "GET", one+"/?", spreadsheetOf, (*call).getSpreadsheet),
		newMethod("spreadsheets.sheets.copyTo", "POST", one+"/sheets/{sheetId}:copyTo", sheetPropertiesOf, (*call).copyTo),
		newMethod("spreadsheets.developerMetadata.search", "POST", one+"/developerMetadata:search",
			schemaOf[sheets.SearchDeveloperMetadataResponse](), (*call).searchMetadata),
		newMethod("spreadsheets.developerMetadata.get", "GET", one+"/developerMetadata/{metadataId}", developerMetadataOf, (*call).getMetadata),
		newMethod("spreadsheets.values.batchGet", "GET", one+"/values:batchGet", schemaOf[sheets.BatchGetValuesResponse](), (*call).batchGetValues),
		newMethod("spreadsheets.values.batchUpdate", "POST", one+"/values:batchUpdate",
			schemaOf[sheets.BatchUpdateValuesResponse](), (*call).batchUpdateValues),
		newMethod("spreadsheets.values.batchClear", "POST", one+"/values:batchClear", schemaOf[sheets.BatchClearValuesResponse](), (*call).batchClearValues),
		newMethod("spreadsheets.values.batchGetByDataFilter", "POST", one+"/values:batchGetByDataFilter",
			schemaOf[sheets.BatchGetValuesByDataFilterResponse](), (*call).batchGetByFilter),
		newMethod("spreadsheets.values.batchUpdateByDataFilter", "POST", one+"/values:batchUpdateByDataFilter",
			schemaOf[sheets.BatchUpdateValuesByDataFilterResponse](), (*call).batchUpdateByFilter),
		newMethod("spreadsheets.values.batchClearByDataFilter", "POST", one+"/values:batchClearByDataFilter",
			schemaOf[sheets.BatchClearValuesByDataFilterResponse](), (*call).batchClearByFilter),
		newMethod("spreadsheets.values.append", "POST", one+"/values/{range}:append", schemaOf[sheets.AppendValuesResponse](), (*call).appendValues),
		newMethod("spreadsheets.values.clear", "POST", one+"/values/{range}:clear", schemaOf[sheets.ClearValuesResponse](), (*call).clearRange),
		newMethod("spreadsheets.values.update", "PUT", one+"/values/{range}", schemaOf[sheets.UpdateValuesResponse](), (*call).updateValues),
		newMethod("spreadsheets.values.get", "GET", one+"/values/{range}", schemaOf[sheets.ValueRange](), (*call).getValues),
	}
}

// systemParameters are those that every method of Google's takes.
const systemParameters = " $.xgafv access_token alt bearer_token callback fields key oauth_token prettyPrint pp quotaUser uploadType upload_protocol "

// queryParameters are those of each Sheets method beside. A method that is not named takes none.
var queryParameters = map[string]string{
	"spreadsheets.get":             " ranges includeGridData excludeTablesInBandedRanges ",
	"spreadsheets.values.get":      " majorDimension valueRenderOption dateTimeRenderOption ",
	"spreadsheets.values.batchGet": " ranges majorDimension valueRenderOption dateTimeRenderOption ",
	"spreadsheets.values.update":   " valueInputOption includeValuesInResponse responseValueRenderOption responseDateTimeRenderOption ",
	"spreadsheets.values.append": " valueInputOption insertDataOption includeValuesInResponse responseValueRenderOption" +
		" responseDateTimeRenderOption ",
}

// checkQuery refuses a query parameter that the method does not have, as Google does for Sheets. Drive ignores it.
func (c *call) checkQuery() error {
	if c.method.drive {
		return nil
	}
	r := &reading{}
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		word := " " + camelCase(name) + " "
		if !strings.Contains(systemParameters, " "+name+" ") && !strings.Contains(queryParameters[c.method.id], word) {
			r.wrong("", "Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field '%s' could not be found in request message.",
				name, name)
		}
	}
	return r.err()
}

// find matches a path still escaped: a range may hold an escaped slash or colon.
func (e *Emulator) find(verb, escaped string) (*apiMethod, map[string]string) {
	for _, m := range e.methods {
		if m.verb != verb {
			continue
		}
		found := m.pattern.FindStringSubmatch(escaped)
		if found == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range m.pattern.SubexpNames() {
			if name != "" {
				value, err := url.PathUnescape(found[i])
				if err != nil {
					value = found[i]
				}
				params[name] = value
			}
		}
		if strings.HasPrefix(m.pattern.String(), "^"+sheetsRoot+"/") && strings.Contains(params["spreadsheetId"], ":") {
			continue
		}
		return m, params
	}
	return nil, nil
}

// decodeVerb undoes an escaped colon before a custom verb, which some clients send.
func decodeVerb(path string) string {
	for _, verb := range []string{"append", "clear", "batchUpdate", "batchGet", "batchClear", "search", "copyTo"} {
		if head, ok := strings.CutSuffix(path, "%3A"+verb); ok {
			return head + ":" + verb
		}
	}
	return path
}
