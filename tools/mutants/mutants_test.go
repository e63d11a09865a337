package main

import "testing"

// Whoever changes the text of a mutant is told at once, and not by the next long run.
func TestEveryMutantHasItsText(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range mutants {
		if seen[m.name] {
			t.Errorf("two mutants are called %s", m.name)
		}
		seen[m.name] = true
		if _, err := m.apply("../.."); err != nil {
			t.Error(err)
		}
	}
}
