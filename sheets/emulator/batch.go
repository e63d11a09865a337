package emulator

import (
	"google.golang.org/api/sheets/v4"
)

var batchRequestOf = schemaOf[sheets.BatchUpdateSpreadsheetRequest]()

// requestHandler applies one request of a batchUpdate to a book that is discarded when it fails. The reply may
// be nil, for {}.
type requestHandler func(b *book, r object) (reply object, err error)

// requestHandlers are the request kinds that the emulator does. Any other kind of Google's is refused with 501.
var requestHandlers = map[string]requestHandler{
	"addSheet":                    addSheet,
	"deleteSheet":                 deleteSheet,
	"duplicateSheet":              duplicateSheet,
	"updateSheetProperties":       updateSheetProperties,
	"updateSpreadsheetProperties": updateSpreadsheetProperties,
	"insertDimension":             insertDimension,
	"deleteDimension":             deleteDimension,
	"appendDimension":             appendDimension,
	"moveDimension":               moveDimension,
	"updateDimensionProperties":   updateDimensionProperties,
	"autoResizeDimensions":        autoResizeDimensions,
	"addDimensionGroup":           addDimensionGroup,
	"deleteDimensionGroup":        deleteDimensionGroup,
	"updateDimensionGroup":        updateDimensionGroup,
	"insertRange":                 insertRange,
	"deleteRange":                 deleteRange,
	"appendCells":                 appendCells,
	"updateCells":                 updateCells,
	"repeatCell":                  repeatCell,
	"copyPaste":                   copyPaste,
	"cutPaste":                    cutPaste,
	"sortRange":                   sortRange,
	"findReplace":                 findReplace,
	"setDataValidation":           setDataValidation,
	"createDeveloperMetadata":     createDeveloperMetadata,
	"updateDeveloperMetadata":     updateDeveloperMetadata,
	"deleteDeveloperMetadata":     deleteDeveloperMetadata,
	"addProtectedRange":           addProtectedRange,
	"updateProtectedRange":        updateProtectedRange,
	"deleteProtectedRange":        deleteProtectedRange,
	"mergeCells":                  mergeCells,
	"unmergeCells":                unmergeCells,
	"setBasicFilter":              setBasicFilter,
	"clearBasicFilter":            clearBasicFilter,
	"addNamedRange":               addNamedRange,
	"updateNamedRange":            updateNamedRange,
	"deleteNamedRange":            deleteNamedRange,
}

// applyAll applies the requests in order and returns one reply for each. The caller drops the book on error, so
// nothing of a failed batch is ever seen.
func (b *book) applyAll(requests []any) ([]any, error) {
	if len(requests) == 0 {
		return nil, invalid("Must specify at least one request.")
	}
	replies := make([]any, len(requests))
	for i, item := range requests {
		request, _ := item.(object)
		if len(request) == 0 {
			return nil, invalid("Invalid requests[%d]: No request set.", i)
		}
		if len(request) > 1 {
			return nil, invalid("Invalid value at 'requests[%d]' (oneof), oneof field 'kind' is already set.", i)
		}
		for kind, body := range request {
			handle, ok := requestHandlers[kind]
			if !ok {
				return nil, unsupported("The request kind %s (requests[%d])", kind, i)
			}
			fields, _ := body.(object)
			if err := b.checkProtection(kind, fields); err != nil {
				return nil, prefixed(err, "Invalid requests[%d].%s: ", i, kind)
			}
			reply, err := handle(b, fields)
			if err != nil {
				return nil, prefixed(err, "Invalid requests[%d].%s: ", i, kind)
			}
			replies[i] = object{}
			if reply != nil {
				replies[i] = object{kind: reply}
			}
		}
	}
	return replies, nil
}

// batchUpdate is spreadsheets.batchUpdate.
func (c *call) batchUpdate() (any, error) {
	body, err := c.body(batchRequestOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var replies []any
	b, err := d.change(func(b *book) error {
		var err error
		replies, err = b.applyAll(list(body, "requests"))
		return err
	})
	if err != nil {
		return nil, err
	}
	answer := object{"spreadsheetId": b.id, "replies": replies}
	if flag(body, "includeSpreadsheetInResponse") {
		view, err := b.viewRanges(list(body, "responseRanges"))
		if err != nil {
			return nil, err
		}
		view.mask, _ = c.fields.sub("updatedSpreadsheet")
		view.gridData = flag(body, "responseIncludeGridData")
		if c.fields != nil {
			view.gridData = view.namesData()
		}
		answer["updatedSpreadsheet"] = c.view(view)
	}
	return answer, nil
}

var batchAnswerOf = schemaOf[sheets.BatchUpdateSpreadsheetResponse]()

func readMask(r object, s *schema) (mask, error) {
	fields := text(r, "fields")
	if fields == "" {
		return nil, invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
	}
	return parseMask(fields, s)
}
