package store

import (
	"fmt"
	"strings"
)

// ownTable describes one of our own tables once for every dialect. Words in braces are types that the dialect spells.
type ownTable struct {
	name    string
	columns []string // "name {type}"
	primary string   // columns of the primary key; "" when a {serial} column is it
	unique  []string // columns of each further unique key
	indexes []string // columns of each index
}

// maxKeyBytes is how long a key may be to be stored: 700 characters of four bytes, which an InnoDB index just holds.
const maxKeyBytes = 2800

// ownTypes spell the types of our own tables.
//
// A {key} is binary on MySQL, not text with a binary collation: that would hold "a" and "a " equal, which may be two
// rows. A {moment} is UTC, whatever the session's time zone is. A {prefix} follows a {text} in an index, of which MySQL
// takes the beginning only.
type ownTypes map[string]string

var mysqlTypes = ownTypes{
	"serial": "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
	"number": "BIGINT NOT NULL",
	"flag":   "TINYINT NOT NULL DEFAULT 0",
	"word":   "VARCHAR(32) NOT NULL",
	"name":   "VARCHAR(255) NOT NULL",
	"key":    "VARBINARY(2800) NOT NULL",
	"place":  "VARBINARY(2801) NOT NULL",
	"text":   "LONGTEXT NULL",
	"blob":   "LONGBLOB NULL",
	"moment": "DATETIME(6) NULL",
	"prefix": "(255)",
}

var sqliteTypes = ownTypes{
	"serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
	"number": "INTEGER NOT NULL",
	"flag":   "INTEGER NOT NULL DEFAULT 0",
	"word":   "TEXT NOT NULL",
	"name":   "TEXT NOT NULL",
	"key":    "TEXT NOT NULL",
	"place":  "TEXT NOT NULL",
	"text":   "TEXT NULL",
	"blob":   "BLOB NULL",
	"moment": "TEXT NULL",
	"prefix": "",
}

// spell replaces the words in braces.
func (types ownTypes) spell(sql string) string {
	var spelled []string
	for word, in := range types {
		spelled = append(spelled, "{"+word+"}", in)
	}
	return strings.NewReplacer(spelled...).Replace(sql)
}

// firstTables are the tables of schema version 1. Never change them: add a migration.
var firstTables = []ownTable{
	{
		name: "tandem_links",
		columns: []string{"number {serial}", "id {name}", "version {number}", "state {word}",
			"spreadsheet_id {name}", "sheet_id {number}", "config {text}", "halt {text}", "halt_keys {text}", "approval {text}",
			"equal_as_of {moment}", "scanned_at {moment}", "last_error {text}", "last_hint_at {moment}",
			"created_at {moment}", "updated_at {moment}"},
		unique: []string{"id", "spreadsheet_id, sheet_id"},
	},
	{
		name:    "tandem_leases",
		columns: []string{"name {name}", "holder {name}", "fence {number}", "expires_at {moment}"},
		primary: "name",
	},
	{
		// Marks are written by triggers too, with raw_key = 1 and the key's parts as the database spells them.
		name: "tandem_marks",
		columns: []string{"id {serial}", "link_number {number}", "source {word}", "row_key {text}", "raw_key {flag}",
			"marked_at {moment}", "cause {word}", "actor {name}"},
		indexes: []string{"link_number, id"},
	},
	{
		name:    "tandem_baselines",
		columns: []string{"link_number {number}", "row_key {key}", "data {text}"},
		primary: "link_number, row_key",
	},
	{
		name: "tandem_changes",
		columns: []string{"seq {serial}", "link_number {number}", "row_key {text}", "kind {word}", "source {word}", "cause {word}",
			"actor {name}", "before_row {text}", "after_row {text}", "removes {flag}", "applied_at {moment}"},
		indexes: []string{"link_number, seq", "link_number, removes, applied_at"},
	},
	{
		name: "tandem_row_errors",
		columns: []string{"link_number {number}", "place {place}", "row_key {text}", "position {number}", "source {word}",
			"column_name {name}", "message {text}", "since {moment}", "digest {name}", "retry_at {moment}", "attempts {number}"},
		primary: "link_number, place",
		indexes: []string{"link_number, since, place", "retry_at"},
	},
	{
		name: "tandem_intents",
		columns: []string{"id {name}", "link_number {number}", "spreadsheet_id {name}", "link_columns {text}",
			"batch {blob}", "settlements {text}", "created_at {moment}"},
		primary: "id",
		indexes: []string{"spreadsheet_id", "link_number"},
	},
	{
		name: "tandem_operations",
		columns: []string{"seq {serial}", "id {name}", "link_number {number}", "request {text}", "progress {text}",
			"report {text}", "error {text}", "done {flag}", "cancel_requested {flag}", "created_at {moment}", "updated_at {moment}"},
		unique:  []string{"id"},
		indexes: []string{"link_number, done"},
	},
	{
		name:    "tandem_plans",
		columns: []string{"number {serial}", "id {name}", "link_number {number}", "signature {name}", "created_at {moment}"},
		unique:  []string{"id"},
		indexes: []string{"link_number"},
	},
	{
		name:    "tandem_plan_rows",
		columns: []string{"plan_number {number}", "row_key {key}", "digest {name}"},
		primary: "plan_number, row_key",
	},
	{
		name: "tandem_writes",
		columns: []string{"seq {serial}", "id {name}", "link_number {number}", "link_columns {text}", "mutation {text}",
			"done {flag}", "created_at {moment}", "done_at {moment}"},
		unique:  []string{"id"},
		indexes: []string{"link_number, done, seq", "done, done_at"},
	},
	{
		name:    "tandem_results",
		columns: []string{"write_id {name}", "result {text}"},
		primary: "write_id",
	},
	{
		// A request without a result waits for the write of write_id; database requests get theirs as they are stored.
		name: "tandem_requests",
		columns: []string{"link_number {number}", "source {word}", "request_id {name}", "fingerprint {name}", "write_id {name}",
			"result {text}", "created_at {moment}"},
		primary: "link_number, source, request_id",
		indexes: []string{"write_id", "created_at"},
	},
}

// conflictTables are the tables that schema version 2 adds. Never change them: add a migration.
var conflictTables = []ownTable{
	{
		// A resolution holds for the digest beside it.
		name: "tandem_conflicts",
		columns: []string{"link_number {number}", "row_key {key}", "data {text}", "digest {name}", "since {moment}",
			"resolution {text}"},
		primary: "link_number, row_key",
		indexes: []string{"link_number, since, row_key"},
	},
	{
		name:    "tandem_typed",
		columns: []string{"link_number {number}", "row_key {key}", "data {text}", "position {number}", "made_at {moment}"},
		primary: "link_number, row_key",
	},
	{
		name:    "tandem_notes",
		columns: []string{"link_number {number}", "data {text}"},
		primary: "link_number",
	},
	{
		// Alerts name their link by its id, which is what they say.
		name: "tandem_alerts",
		columns: []string{"id {serial}", "link_id {name}", "url {text}", "event {word}", "reason {word}", "message {text}",
			"created_at {moment}", "next_at {moment}", "attempts {number}"},
		indexes: []string{"next_at", "link_id, id"},
	},
}

// hintTables and hintColumns belong to schema version 3.
//
// tandem_positions says up to where something was read: the binary log, Drive's list of changes. tandem_signatures are those of
// hints lately seen, so that none is taken twice. tandem_marks.places are the rows of a hint. tandem_calls counts Google calls by
// the second, for an hour; a row of tandem_budgets is what processes lock to count, and by how much a limit is lowered.
var hintTables = []ownTable{
	{
		name:    "tandem_positions",
		columns: []string{"name {name}", "position {text}", "reached_at {moment}"},
		primary: "name",
	},
	{
		name:    "tandem_signatures",
		columns: []string{"link_number {number}", "signature {name}", "seen_at {moment}"},
		primary: "link_number, signature",
		indexes: []string{"seen_at"},
	},
	{
		name: "tandem_calls",
		columns: []string{"id {serial}", "at_second {number}", "at_minute {number}", "kind {word}", "project {name}", "credential {name}",
			"process {name}", "made {number}", "rejected {number}"},
		indexes: []string{"at_second"},
	},
	{
		name:    "tandem_budgets",
		columns: []string{"name {name}", "permille {number}", "lowered_at {moment}"},
		primary: "name",
	},
}

var hintColumns = []ownColumn{
	{"tandem_links", "hook_secret", "{text}"},
	{"tandem_links", "last_hint_path", "{word} DEFAULT ''"},
	{"tandem_links", "last_hint_delay", "{number} DEFAULT 0"},
	{"tandem_marks", "places", "{text}"},
}

// hintIndexes finds the marks of a row.
var hintIndexes = []ownIndex{{"tandem_marks", "tandem_marks_row", "link_number, row_key{prefix}"}}

// tokenTables belong to schema version 4. A hash is SHA-256 in hex, links a JSON list of ids, NULL for all of them.
var tokenTables = []ownTable{
	{
		name: "tandem_tokens",
		columns: []string{"id {name}", "hash {name}", "name {name}", "role {word}", "links {text}", "expires_at {moment}",
			"created_at {moment}", "last_used_at {moment}"},
		primary: "id",
	},
}

// ownColumn is a column that a later version adds to one of our tables. What has no {type} that may be NULL needs a
// default, for the rows that are there.
type ownColumn struct{ table, name, definition string }

// ownIndex is an index that a later version adds.
type ownIndex struct{ table, name, columns string }

// conflictColumns and conflictIndexes belong to schema version 2. tandem_links.error_since is when the error began that
// still stands, alerted the event that people were told of and that is not over yet.
var (
	conflictColumns = []ownColumn{
		{"tandem_changes", "conflict", "{text}"},
		{"tandem_links", "error_since", "{moment}"},
		{"tandem_links", "alerted", "{word} DEFAULT ''"},
	}
	conflictIndexes = []ownIndex{{"tandem_changes", "tandem_changes_row", "link_number, row_key{prefix}"}}
)

// ownCatalog asks a database which columns and which indexes a table of ours has, one name a line.
type ownCatalog struct{ columns, indexes string }

// statements returns the SQL that creates the table where it is not there yet. MySQL commits each statement by itself, so
// that a migration cut off in the middle runs again from its beginning: every statement must bear that.
func (t ownTable) statements(types ownTypes, inlineIndexes bool, suffix string) []string {
	lines := append([]string(nil), t.columns...)
	if t.primary != "" {
		lines = append(lines, "PRIMARY KEY ("+t.primary+")")
	}
	for _, columns := range t.unique {
		lines = append(lines, "UNIQUE ("+columns+")")
	}
	var after []string
	for i, columns := range t.indexes {
		name := fmt.Sprintf("%s_%d", t.name, i+1)
		if inlineIndexes {
			lines = append(lines, "KEY "+name+" ("+columns+")")
		} else {
			after = append(after, "CREATE INDEX IF NOT EXISTS "+name+" ON "+t.name+" ("+columns+")")
		}
	}
	create := "CREATE TABLE IF NOT EXISTS " + t.name + " (\n  " + strings.Join(lines, ",\n  ") + "\n)" + suffix
	return append([]string{types.spell(create)}, after...)
}
