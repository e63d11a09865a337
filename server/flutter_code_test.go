package server_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestFlutterCode looks for what a Dart compiler would stumble over first: strings and brackets that do not close, and
// packages other than the page says.
func TestFlutterCode(t *testing.T) {
	files := fenced(t, "dart")
	if len(files) != 4 {
		t.Fatalf("the page has %d files in Dart", len(files))
	}
	imports := regexp.MustCompile(`(?m)^import '([^']*)'`)
	allowed := regexp.MustCompile(`^(dart:[a-z]+|package:(http/http|flutter/(material|foundation))\.dart|(tandem|queue|live)\.dart)$`)
	for _, file := range files {
		if problem := unbalanced(file.text); problem != "" {
			t.Errorf("docs/flutter.md, the Dart code from line %d on: %s", file.line, problem)
		}
		for _, match := range imports.FindAllStringSubmatch(file.text, -1) {
			if !allowed.MatchString(match[1]) {
				t.Errorf("docs/flutter.md, line %d: imports %q", file.line, match[1])
			}
		}
	}
	for _, code := range []string{
		`f() { return 'a ${b['c']} \'d'; } // it's`, `/* ( */ const a = r'\';`, "var a = \"\"\"( ' \n\"\"\";", `f({a: 1, '${g('${h}')}': [2]})`, `var far = '(';`,
	} {
		if problem := unbalanced(code); problem != "" {
			t.Errorf("%s: %s", code, problem)
		}
	}
	for _, code := range []string{`f() { return 'a; }`, `f(() { )`, `f() {`, `f() }`, `'${a'`, `/* a`, `[1, 2)`, `var a = '''b''`, "'a\n'", `r'a`} {
		if unbalanced(code) == "" {
			t.Errorf("%s: passes for Dart", code)
		}
	}
}

// unbalanced reads Dart as far as comments, strings with what is interpolated in them, and brackets go, and says what does
// not close.
func unbalanced(code string) string {
	r := &dartReader{code: code}
	problem := r.read("")
	if problem != "" {
		problem = fmt.Sprintf("line %d: %s", 1+strings.Count(code[:min(r.at, len(code))], "\n"), problem)
	}
	return problem
}

type dartReader struct {
	code string
	at   int
}

var (
	closing = map[string]string{"(": ")", "[": "]", "{": "}"}
	inWord  = regexp.MustCompile(`\w$`)
)

// read reads until the bracket that closes.
func (r *dartReader) read(until string) string {
	for r.at < len(r.code) {
		rest := r.code[r.at:]
		next := rest[:1]
		problem := ""
		switch {
		case strings.HasPrefix(rest, "//"):
			r.skip(0, "\n")
		case strings.HasPrefix(rest, "/*"):
			problem = r.skip(2, "*/")
		case (strings.HasPrefix(rest, "r'") || strings.HasPrefix(rest, `r"`)) && !inWord.MatchString(r.code[:r.at]):
			problem = r.skip(2, rest[1:2])
		case next == "'" || next == `"`:
			problem = r.text(rest)
		case next == until:
			r.at++
			return ""
		case strings.Contains(")]}", next):
			problem = next + " closes what is not open"
		case closing[next] != "":
			r.at++
			problem = r.read(closing[next])
		default:
			r.at++
		}
		if problem != "" {
			return problem
		}
	}
	if until != "" {
		return until + " is missing"
	}
	return ""
}

// skip goes on after the next end. The end of the code ends a line, too.
func (r *dartReader) skip(begin int, end string) string {
	at := strings.Index(r.code[r.at+begin:], end)
	if at < 0 && end != "\n" {
		return end + " is missing"
	}
	if at < 0 {
		r.at = len(r.code)
		return ""
	}
	r.at += begin + at + len(end)
	return ""
}

// text reads a string.
func (r *dartReader) text(rest string) string {
	quote := rest[:1]
	if strings.HasPrefix(rest, strings.Repeat(quote, 3)) {
		quote = rest[:3]
	}
	for r.at += len(quote); r.at < len(r.code); {
		switch rest := r.code[r.at:]; {
		case strings.HasPrefix(rest, quote):
			r.at += len(quote)
			return ""
		case strings.HasPrefix(rest, "${"):
			r.at += 2
			if problem := r.read("}"); problem != "" {
				return problem
			}
		case rest[0] == '\\':
			r.at += 2
		case rest[0] == '\n' && len(quote) == 1:
			return "a string goes over the end of its line"
		default:
			r.at++
		}
	}
	return "a string does not end"
}
