// Package appsscript is the Google Apps Script that tells the server of edits in a sheet, filled in for one link.
//
// The script says that something changed, in which rows and who did it. It never sends what the cells hold.
package appsscript

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed Code.gs
var code string

//go:embed appsscript.json
var manifest string

//go:embed instructions.txt
var instructions string

// placeholder stands in Code.gs for the settings. It is JavaScript, so that the file can be read by tools as it is.
const placeholder = "const TANDEM = {};"

// Settings are what the script of one link has to know.
type Settings struct {
	Link          string `json:"link"`
	URL           string `json:"url"`    // of the link's hook
	Secret        string `json:"secret"` // signs what is sent there
	SpreadsheetID string `json:"spreadsheetId"`
	SheetID       int64  `json:"sheetId"`
	HeaderRow     int    `json:"headerRow"`
	MaxRows       int    `json:"maxRows"` // how many rows a hint may name
	Tab           string `json:"-"`       // the tab's title, for people
}

// Script is a script with what belongs to it.
type Script struct{ Code, Manifest, Instructions string }

// Fill returns the script of a link.
func Fill(s Settings) (Script, error) {
	filled, err := json.MarshalIndent(s, "", "  ") // JSON, with < and > escaped, is JavaScript
	if err != nil {
		return Script{}, fmt.Errorf("fill in the script: %w", err)
	}
	if strings.Count(code, placeholder) != 1 {
		return Script{}, fmt.Errorf("fill in the script: %q must stand in it once", placeholder)
	}
	steps := strings.NewReplacer("{link}", s.Link, "{tab}", s.Tab, "{spreadsheet}", s.SpreadsheetID, "{url}", s.URL).Replace(instructions)
	return Script{Code: strings.Replace(code, placeholder, "const TANDEM = "+string(filled)+";", 1), Manifest: manifest, Instructions: steps}, nil
}
