package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// mutant is one way to break the program.
type mutant struct {
	name string
	what string // what the program then does
	file string
	old  string // found exactly once in the file
	new  string
}

// apply returns the file of the mutant, broken.
func (m *mutant) apply(tree string) ([]byte, error) {
	whole, err := os.ReadFile(filepath.Join(tree, m.file))
	if err != nil {
		return nil, fmt.Errorf("mutant %s: %w", m.name, err)
	}
	if n := bytes.Count(whole, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("mutant %s: %s has its text %d times instead of once; bring the mutant up to date:\n%s", m.name, m.file, n, m.old)
	}
	return bytes.Replace(whole, []byte(m.old), []byte(m.new), 1), nil
}

var mutants = []mutant{
	{
		name: "no-check-after-write", what: "does not look where a write landed", file: "sheets/send.go",
		old: "	strays := t.strays(b, images)\n",
		new: "	var strays []stray\n",
	}, {
		name: "no-put-back", what: "sees that a write landed astray, and leaves it there", file: "sheets/send.go",
		old: "		if err := t.repair(ctx, b, strays); err != nil {",
		new: "		if err := error(nil); err != nil {",
	}, {
		name: "no-pre-image", what: "keeps no copy of what it writes over", file: "sheets/requests.go",
		old: "	c.add(nil, &api.Request{CopyPaste: &api.CopyPasteRequest{Source: grid(c.sheet, source), Destination: grid(c.image, to), PasteType: kind}})",
		new: "	_ = to",
	}, {
		name: "pre-image-too-late", what: "copies what stood there after it wrote", file: "sheets/requests.go",
		old: "	c.copyImages()\n	c.writeCells(alone)\n	c.deleteRows()\n",
		new: "	c.writeCells(alone)\n	c.deleteRows()\n	c.copyImages()\n",
	}, {
		name: "no-operation-id", what: "sends a batch without its operation id", file: "sheets/requests.go",
		old: "	c.add(nil, createMetadata(b.metadataID(), c.sheet, metadataValue(t.client.opt.Now())))\n",
		new: "",
	}, {
		name: "append-again", what: "sends a batch once more when no answer came", file: "sheets/send.go",
		old: "		images, refused, err := t.post(ctx, &rest, alone)\n",
		new: `		images, refused, err := t.post(ctx, &rest, alone)
		if errors.Is(err, ErrUnknownOutcome) {
			rest.ID += "/again"
			images, refused, err = t.post(ctx, &rest, alone)
		}
`,
	}, {
		name: "no-answer-is-no-effect", what: "takes a write without an answer for one that did not happen", file: "engine/write_sheet.go",
		old: "	applied, took, settleErr := c.tab.Settle(ctx, p.Batch)\n",
		new: "	applied, took, settleErr := []tandem.Applied(nil), false, error(nil)\n",
	}, {
		name: "late-original-lands", what: "does not keep a write that it gave up from arriving late", file: "sheets/settle.go",
		old: "		if found != nil {\n			return !strings.HasSuffix(found.MetadataValue, burnt), nil\n		}\n",
		new: "		if found != nil {\n			return !strings.HasSuffix(found.MetadataValue, burnt), nil\n		}\n		if found == nil {\n			return false, nil\n		}\n",
	}, {
		name: "reads-before-settling", what: "reads the sheet while it is not known what became of earlier writes", file: "engine/intents.go",
		old: "	if err != nil || len(intents) == 0 {\n		return err\n	}\n	return c.withSpreadsheet(ctx, c.settleOpen)",
		new: "	if err != nil || len(intents) >= 0 {\n		return err\n	}\n	return c.withSpreadsheet(ctx, c.settleOpen)",
	}, {
		name: "baseline-moves-anyway", what: "moves the baseline of rows whose write did not land", file: "engine/intents.go",
		old: "		if i < len(p.Settlements) && result.Outcome == tandem.Landed {",
		new: "		if i < len(p.Settlements) {",
	}, {
		name: "baseline-too-early", what: "moves the baseline before it writes", file: "engine/write_sheet.go",
		old: "		applied, took, err := c.send(ctx, id, &p)\n",
		new: `		if err := c.closeIntent(ctx, "", payload{Settlements: p.Settlements}, make([]tandem.Applied, len(p.Settlements))); err != nil {
			return err
		}
		applied, took, err := c.send(ctx, id, &p)
`,
	}, {
		name: "no-fencing", what: "lets a worker commit that lost its lease", file: "store/leases.go",
		old: "	if !found || current.Fence != lease.Fence || current.Holder != lease.Holder {\n		return tandem.ErrFenced",
		new: "	if !found || current.Fence < 0 {\n		return tandem.ErrFenced",
	}, {
		name: "lapse-unnoticed", what: "goes by what it remembers although another worker had the link meanwhile", file: "engine/cycle.go",
		old: "	if lease.Fence != c.memo.fence+1 {",
		new: "	if c.memo.fence == 0 {",
	}, {
		name: "empty-read-is-deletion", what: "takes an empty answer for an empty tab", file: "sheets/tabpass.go",
		old: "		return p.start(nil)\n",
		new: `		var header []any
		if last := p.t.remembered(); last != nil {
			for _, text := range last.layout.headers {
				header = append(header, text)
			}
		}
		return p.start(header)
`,
	}, {
		name: "read-in-pieces", what: "reads the tab, and so its key column, in two calls", file: "sheets/wholeread.go",
		old: `		return t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values/{range}", map[string]string{"range": quoteTitle(title)}, url.Values{},
			func(body io.Reader) error {`,
		new: `		if kept, ok := copied.(*spool); ok {
			kept.over = true // what is new is read once more
		}
		got := 0
		for n, piece := range []string{"!1:6", "!7:10000"} {
			if err := t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values/{range}", map[string]string{"range": quoteTitle(title) + piece}, url.Values{},
				func(body io.Reader) error {
					return scanValues(body, func(at int, row *cells) error { got++; return each(6*n+at, row) })
				}); err != nil {
				return err
			}
			if got == 0 {
				return errTorn
			}
		}
		if got > 0 {
			return nil
		}
		return t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values/{range}", map[string]string{"range": quoteTitle(title)}, url.Values{},
			func(body io.Reader) error {`,
	}, {
		name: "floats-exactly", what: "compares floating point numbers to the last digit", file: "column.go",
		old: "		return significant(a.text) == significant(b.text)",
		new: "		return a.text == b.text",
	}, {
		name: "marks-by-key", what: "deletes all marks of a row that it looked at, later ones too", file: "store/booking.go",
		old: `		return b.tx.Exec("DELETE FROM tandem_marks WHERE id IN (?)", ids).Error`,
		new: `		return b.tx.Exec("DELETE FROM tandem_marks WHERE row_key IN (SELECT row_key FROM (SELECT row_key FROM tandem_marks WHERE id IN (?)) AS seen)", ids).Error`,
	}, {
		name: "guard-asleep", what: "lets any number of deletions through", file: "engine/reconcile/guard.go",
		old: "	if now == 0 {",
		new: "	if now >= 0 {",
	}, {
		name: "consent-to-everything", what: "takes a person's answer to one halt for an answer to all", file: "engine/guard.go",
		old: "	return c.approval != nil && c.approval.Source == source && c.approval.Keys[key]",
		new: "	return c.approval != nil",
	}, {
		name: "database-unread", what: "writes to the table without a look at what the row holds by now", file: "store/table_apply.go",
		old: "!expected.IsAbsent() && !t.fields[i].Equal(expected, now.row.Values[i])",
		new: "false && !t.fields[i].Equal(expected, now.row.Values[i])",
	}, {
		name: "sheet-unread", what: "writes to the sheet without a look at what the row holds by now", file: "sheets/compare.go",
		old: "		if n < len(change.Before) && !change.Before[n].IsAbsent() && !found.row.Values[n].IsAbsent() &&",
		new: "		if false && n < len(change.Before) &&",
	}, {
		name: "no-history", what: "does not keep what it writes over in the table", file: "engine/settle.go",
		old: "		s.History = []tandem.Entry{c.entry(d, tandem.Sheet)}\n",
		new: "",
	}, {
		name: "caller-unanswered", what: "forgets which caller's write a batch carried out", file: "engine/intents.go",
		old: "if write, done := finished(p.Writes[i], result); done {",
		new: "if write, done := finished(p.Writes[i], result); done && len(p.Writes) == 0 {",
	}, {
		name: "request-repeated", what: "does a repeated request again", file: "store/requests.go",
		old: "		} else if r.result != nil {\n			answer := r.result.result(columns)\n			answer.Replayed = true\n			answers[id] = answer",
		new: "		} else if r.result != nil && print.stored == \"\" {\n			answer := r.result.result(columns)\n			answer.Replayed = true\n			answers[id] = answer",
	}, {
		name: "typed-rows-forgotten", what: "forgets which rows without a key it inserted already", file: "engine/typed.go",
		old: "		c.typed.records[record.Key] = record\n",
		new: "		_ = record\n",
	}, {
		name: "sides-swapped", what: "takes the cell that nobody changed", file: "engine/reconcile/reconcile.go",
		old: "	case databaseChanged:\n		return tandem.Database\n	}\n	return tandem.Sheet\n",
		new: "	case databaseChanged:\n		return tandem.Sheet\n	}\n	return tandem.Database\n",
	},
}
