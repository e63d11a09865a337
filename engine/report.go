package engine

import (
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// count counts what a decision would do.
func (s *syncRun) count(d *reconcile.Decision) {
	if d.Database != nil {
		s.landed(d, tandem.Database)
	}
	if d.Sheet != nil {
		s.landed(d, tandem.Sheet)
	}
	if d.Problem != nil {
		s.refuse(d.Row.Key, d.Problem.Text)
	}
}

// landed counts a write to target.
func (s *syncRun) landed(d *reconcile.Decision, target tandem.Source) {
	counts, change := &s.report.Counts, d.Database
	if target == tandem.Sheet {
		change = d.Sheet
	}
	var kind string
	switch {
	case target == tandem.Database && change.Kind == tandem.Insert:
		counts.InsertDatabase++
		kind = "INSERT_DATABASE"
	case target == tandem.Database && change.Kind == tandem.Update:
		counts.UpdateDatabase++
		kind = "UPDATE_DATABASE"
	case target == tandem.Database:
		counts.DeleteDatabase++
		kind = "DELETE_DATABASE"
	case change.Kind == tandem.Insert:
		counts.InsertSheet++
		kind = "INSERT_SHEET"
	case change.Kind == tandem.Update:
		counts.UpdateSheet++
		kind = "UPDATE_SHEET"
	default:
		counts.DeleteSheet++
		kind = "DELETE_SHEET"
	}
	if d.Settled == target.Other() {
		if d.Settled == tandem.Database {
			counts.DatabaseWon++
		} else {
			counts.SheetWon++
		}
	}
	s.example(kind, d, change)
}

// example keeps a row for the report, up to maxExamples of each kind.
func (s *syncRun) example(kind string, d *reconcile.Decision, change *tandem.Change) {
	if s.examples[kind]++; s.examples[kind] > maxExamples {
		return
	}
	e := tandem.SyncExample{Kind: kind, Key: d.Row.Key, Database: s.c.named(d.Row.Database), Sheet: s.c.named(d.Row.Sheet)}
	for i, value := range change.After {
		if !value.IsAbsent() && change.Kind == tandem.Update {
			e.Columns = append(e.Columns, s.c.policy.Settings[i].Column)
		}
	}
	s.report.Examples = append(s.report.Examples, e)
}

// refuse counts a row that could not be carried over.
func (s *syncRun) refuse(key tandem.Key, message string) {
	s.report.Counts.Refused++
	s.remark("REFUSED", key, message)
}

// conflict counts a row that is left to people.
func (s *syncRun) conflict(d *reconcile.Decision) {
	s.report.Counts.Conflicts++
	if s.examples["CONFLICT"]++; s.examples["CONFLICT"] <= maxExamples {
		s.report.Examples = append(s.report.Examples, tandem.SyncExample{Kind: "CONFLICT", Key: d.Row.Key, Columns: d.Conflict.Columns,
			Database: d.Conflict.Database, Sheet: d.Conflict.Sheet})
	}
}

// skip counts a row that moved since the plan, or while the sync ran.
func (s *syncRun) skip(key tandem.Key) {
	s.report.Counts.Skipped++
	s.remark("SKIPPED", key, "the row changed meanwhile; it is looked at again")
}

func (s *syncRun) remark(kind string, key tandem.Key, message string) {
	if s.examples[kind]++; s.examples[kind] <= maxExamples {
		s.report.Examples = append(s.report.Examples, tandem.SyncExample{Kind: kind, Key: key, Message: message})
	}
}
