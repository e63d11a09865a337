package server

import (
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// CheckRules fails with a tandem.Error that names link.rules[N] where one cannot hold for columns.
func (b *backend) CheckRules(columns []tandem.Column, rules []tandem.Rule) error {
	_, err := reconcile.CompileRules(columns, rules)
	return err
}

// TryRules says what rules, in place of the link's, make of conflicts.
func (b *backend) TryRules(link *tandem.Link, columns []tandem.Column, rules []tandem.Rule, conflicts []tandem.Conflict) ([]tandem.Verdict, error) {
	compiled, err := reconcile.CompileRules(columns, rules)
	if err != nil {
		return nil, err
	}
	compiled.Preferred = link.PreferredSource
	return compiled.Try(conflicts), nil
}
