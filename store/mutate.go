package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// mutationsAtOnce is how many mutations that stand for themselves share a transaction.
const mutationsAtOnce = 100

// errRollBack ends a transaction that was only tried.
var errRollBack = errors.New("rolled back on purpose")

// Mutate carries out writes of the API on the table and returns a result for each. The rows, the answers of their
// requests and their marks commit together; when Mutate returns, what it reports as done is durable. Each mutation stands
// alone, unless atomic: then all are done or none. A later mutation sees what an earlier one did.
//
// The error is about the database as a whole; then nothing of the mutations that have no result was done, or, when the
// connection broke at the commit, it is not known, which a RequestID settles.
func (t *Table) Mutate(ctx context.Context, mutations []tandem.Mutation, atomic bool) ([]tandem.MutationResult, error) {
	results := make([]tandem.MutationResult, len(mutations))
	var parts [][]int
	if all := indexes(mutations, func(tandem.Mutation) bool { return true }); atomic {
		parts = [][]int{all}
	} else {
		// What is only tried cannot share a transaction with what is done.
		for _, only := range []bool{false, true} {
			some := indexes(mutations, func(m tandem.Mutation) bool { return m.ValidateOnly == only })
			parts = slices.AppendSeq(parts, slices.Chunk(some, mutationsAtOnce))
		}
	}
	table := t
	for done, part := range parts {
		err := table.mutatePart(ctx, mutations, part, results, atomic)
		if errors.Is(err, tandem.ErrOutdated) && done > 0 {
			// What is done is done; the rest goes on with what is there now.
			if table, err = t.anew(ctx); err != nil {
				return results, err
			}
			err = table.mutatePart(ctx, mutations, part, results, atomic)
		}
		if err != nil {
			return results, fmt.Errorf("write to table %q: %w", t.info.Name, err)
		}
	}
	return results, nil
}

// indexes returns the places of the mutations that are meant.
func indexes(mutations []tandem.Mutation, which func(tandem.Mutation) bool) []int {
	var found []int
	for i := range mutations {
		if which(mutations[i]) {
			found = append(found, i)
		}
	}
	return found
}

// mutatePart carries out the mutations at the places in part, in one transaction. Results leave it only when that has ended,
// since it may run more than once.
func (t *Table) mutatePart(ctx context.Context, mutations []tandem.Mutation, part []int, results []tandem.MutationResult, atomic bool) error {
	if len(part) == 0 {
		return nil
	}
	tryOnly := slices.ContainsFunc(part, func(i int) bool { return mutations[i].ValidateOnly })
	opens := len(part) == 1 && t.opensLate(&mutations[part[0]])
	if opens {
		ctx = lateContext(ctx)
	}
	var g *mutating
	err := t.store.transaction(ctx, func(tx *gorm.DB) error {
		g = &mutating{t: t, tx: tx, mutations: mutations, results: make([]tandem.MutationResult, len(mutations)), late: opens}
		if err := g.run(part); err != nil {
			return t.outdated(err)
		}
		if g.doubtful(part) {
			return tandem.ErrOutdated
		}
		if atomic && g.abort(part) || tryOnly {
			return errRollBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRollBack) {
		return err
	}
	for _, i := range part {
		results[i] = g.results[i]
	}
	if err == nil && len(g.marks) > 0 {
		t.store.wake(t.link.ID)
	}
	return nil
}

// mutating is one transaction of mutations. Slices are aligned with all mutations of the call.
type mutating struct {
	t         *Table
	tx        *gorm.DB
	mutations []tandem.Mutation
	results   []tandem.MutationResult
	marks     []tandem.Mark

	differs bool // a row does not hold what was to be written
	late    bool // the transaction begins with its first statement, which may open it
	marked  bool // the marks are stored already
}

// run answers repeated requests, carries out the others and stores their answers, refusals included, and the marks. Request ids are
// reserved before any row is locked, so that two repetitions sent in parallel wait for each other and not in a circle.
func (g *mutating) run(part []int) error {
	s, link := g.t.store, g.t.link.ID
	prints, first, todo, err := g.requests(part)
	if err != nil {
		return err
	}
	answers, err := s.findRequests(g.tx, link, string(tandem.Database), prints)
	if err != nil {
		return err
	}
	fresh := todo[:0:0]
	for _, i := range todo {
		if answer, ok := answers[g.mutations[i].RequestID]; ok && g.mutations[i].RequestID != "" {
			g.results[i] = answer
			continue
		}
		fresh = append(fresh, i)
	}
	if err := g.refresh(part); err != nil {
		return err
	}
	for len(fresh) > 0 {
		n := g.wave(fresh)
		if err := g.carryOut(fresh[:n]); err != nil {
			return err
		}
		fresh = fresh[n:]
	}
	done := map[string]tandem.MutationResult{}
	for id, i := range first {
		if _, replayed := answers[id]; !replayed {
			done[id] = g.results[i]
		}
	}
	g.repeat(part, first)
	if err := s.saveRequests(g.tx, link, string(tandem.Database), prints, done); err != nil {
		return err
	}
	if !g.t.remembered() {
		return s.addMarksTo(g.tx, g.t.link.Number, g.marks)
	}
	return g.addMarks()
}

// refresh shows, in the answers of a queue that was sent before, the rows as they are by now.
func (g *mutating) refresh(part []int) error {
	var keys []tandem.Key
	var shown []**tandem.Row
	for _, i := range part {
		result := &g.results[i]
		if !result.Replayed || !g.mutations[i].Queued {
			continue
		}
		row := &result.Row
		if result.Err != nil {
			row = &result.Err.Row
		}
		if *row != nil {
			keys, shown = append(keys, (*row).Key), append(shown, row)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	there, err := g.t.lock(g.tx, keys)
	if err != nil {
		return err
	}
	for n, row := range shown {
		*row = nil
		if now := there[keys[n]]; now != nil {
			*row = &now.row
		}
	}
	return nil
}

// requests returns the fingerprints of the request ids, where each id comes first, and the mutations to look at: without
// those whose id another one of the same call has.
func (g *mutating) requests(part []int) (prints map[string]print, first map[string]int, todo []int, err error) {
	prints, first = map[string]print{}, map[string]int{}
	columns := columnNames(g.t.link)
	for _, i := range part {
		id := g.mutations[i].RequestID
		if id == "" || g.mutations[i].ValidateOnly {
			todo = append(todo, i)
			continue
		}
		print, err := fingerprint(g.mutations[i], columns)
		if err != nil {
			return nil, nil, nil, err
		}
		if before, ok := prints[id]; ok {
			if before != print {
				g.results[i].Err = tandem.InvalidField("request_id", "%q is used for another write of this call; use a new id for each", id)
			}
			continue
		}
		prints[id], first[id] = print, i
		todo = append(todo, i)
	}
	return prints, first, todo, nil
}

// repeat answers mutations whose request id stood earlier in the same call.
func (g *mutating) repeat(part []int, first map[string]int) {
	for _, i := range part {
		at, ok := first[g.mutations[i].RequestID]
		if ok && at != i && g.results[i].Err == nil && !g.mutations[i].ValidateOnly {
			g.results[i] = g.results[at]
			g.results[i].Replayed = true
		}
	}
}

// wave returns how many of the mutations can be carried out together, since none touches a row of another.
func (g *mutating) wave(todo []int) int {
	touched := map[tandem.Key]bool{}
	for n, i := range todo {
		m := &g.mutations[i]
		keys := []tandem.Key{m.Key, g.t.target(&tandem.Change{Kind: tandem.Insert, After: m.Values})}
		for _, key := range keys {
			if key != "" && touched[key] {
				return n
			}
		}
		touched[keys[0]], touched[keys[1]] = true, true
	}
	return len(todo)
}

// abort reports whether a mutation failed, and then says so in the results of the others.
func (g *mutating) abort(part []int) bool {
	failed := slices.IndexFunc(part, func(i int) bool { return g.results[i].Err != nil })
	if failed < 0 {
		return false
	}
	for _, i := range part {
		if g.results[i].Err == nil {
			g.results[i] = tandem.MutationResult{Err: tandem.Errorf(tandem.CodeAborted, "BATCH_ABORTED",
				"nothing was written, because mutation %d of the same atomic call failed", part[failed])}
		}
	}
	return true
}
