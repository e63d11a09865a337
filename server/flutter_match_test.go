package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// compare compares JSON with that of the page.
func (p *page) compare(want, got string) error {
	var wanted, gotten any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		return fmt.Errorf("the page's answer is no JSON: %w: %s", err, want)
	}
	if err := json.Unmarshal([]byte(got), &gotten); err != nil {
		return fmt.Errorf("the answer is no JSON: %w: %s", err, got)
	}
	if err := p.match("", wanted, gotten); err != nil {
		return fmt.Errorf("%w\nthe answer: %s", err, got)
	}
	return nil
}

// match compares a value with that of the page: `…` is anything, or further members; a name in braces is what it was where it
// stood first.
func (p *page) match(at string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, no object", at, got)
		}
		_, more := want["…"]
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if _, named := want[name]; !named && !more {
				return fmt.Errorf("%s.%s is not on the page", at, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, there := object[name]
			if name == "…" {
				continue
			} else if !there {
				return fmt.Errorf("%s.%s is not in the answer", at, name)
			}
			if err := p.match(at+"."+name, want[name], value); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		more := len(want) > 0 && want[len(want)-1] == "…"
		if more {
			want = want[:len(want)-1]
		}
		if !ok || len(list) < len(want) || len(list) > len(want) && !more {
			return fmt.Errorf("%s is %v, the page has %d entries", at, got, len(want))
		}
		for i := range want {
			if err := p.match(fmt.Sprintf("%s[%d]", at, i), want[i], list[i]); err != nil {
				return err
			}
		}
		return nil
	case string:
		if want == "…" {
			return nil
		}
		return p.matchText(at, want, got)
	}
	if want != got {
		return fmt.Errorf("%s is %v, the page has %v", at, got, want)
	}
	return nil
}

// matchText compares a text in which names may stand, and remembers those that are new.
func (p *page) matchText(at, want string, got any) error {
	pattern, fresh, rest := "^", []string(nil), want
	for {
		place := names.FindStringSubmatchIndex(rest)
		if place == nil {
			break
		}
		name := rest[place[2]:place[3]]
		pattern += regexp.QuoteMeta(rest[:place[0]])
		if value, known := p.bound[name]; known {
			pattern += regexp.QuoteMeta(value)
		} else {
			pattern += "([^/]+)"
			fresh = append(fresh, name)
		}
		rest = rest[place[1]:]
	}
	text, isText := got.(string)
	found := regexp.MustCompile(pattern + regexp.QuoteMeta(rest) + "$").FindStringSubmatch(text)
	if !isText || found == nil {
		return fmt.Errorf("%s is %v, the page has %q (%v)", at, got, want, p.bound)
	}
	for i, name := range fresh {
		p.bound[name] = found[i+1]
	}
	return nil
}
