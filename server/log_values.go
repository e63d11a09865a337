package server

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// valueless is a handler that logs errors without what they quote: a driver's, Google's or our own words about what went wrong
// may quote a cell, a key or a statement, and logs go where rows must not. Names of tables, tabs, columns and the like stay.
type valueless struct{ slog.Handler }

// valuelessLog returns a log that says the same, without values.
func valuelessLog(log *slog.Logger) *slog.Logger { return slog.New(valueless{log.Handler()}) }

// Handle logs a record.
func (v valueless) Handle(ctx context.Context, record slog.Record) error {
	found := false
	record.Attrs(func(attr slog.Attr) bool {
		found = found || isError(attr)
		return !found
	})
	if !found {
		return v.Handler.Handle(ctx, record)
	}
	clean := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		clean.AddAttrs(withoutValues(attr))
		return true
	})
	return v.Handler.Handle(ctx, clean)
}

// WithAttrs keeps the promise for what is derived.
func (v valueless) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i := range attrs {
		attrs[i] = withoutValues(attrs[i])
	}
	return valueless{v.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the promise for what is derived.
func (v valueless) WithGroup(name string) slog.Handler { return valueless{v.Handler.WithGroup(name)} }

func isError(attr slog.Attr) bool {
	_, is := attr.Value.Any().(error)
	return is || attr.Key == "error" && attr.Value.Kind() == slog.KindString
}

func withoutValues(attr slog.Attr) slog.Attr {
	if !isError(attr) {
		return attr
	}
	if err, is := attr.Value.Any().(error); is {
		return slog.String(attr.Key, unquoted(err.Error()))
	}
	return slog.String(attr.Key, unquoted(attr.Value.String()))
}

// namesFollow are the words after which a quoted text is a name that somebody gave to a thing, and no value.
var namesFollow = []string{"table", "tab", "column", "link", "lease", "trigger", "index", "key", "constraint", "spreadsheet", "database"}

// unquoted returns text with what stands in quotes left out. Apostrophes quote nothing, and backquotes, which databases put
// around names, stay.
func unquoted(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		if c != '"' && c != '\'' || wordEnds(text[:i]) {
			out.WriteByte(c)
			i++
			continue
		}
		end := closing(text, i)
		if slices.Contains(namesFollow, lastWord(text[:i])) {
			out.WriteString(text[i:end])
		} else {
			out.WriteString(`"…"`)
		}
		i = end
	}
	return out.String()
}

// closing returns where the quotation ends that begins at from; what is not closed goes to the end.
func closing(text string, from int) int {
	for i := from + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == text[from]:
			if next, _ := utf8.DecodeRuneInString(text[i+1:]); i+1 == len(text) || !unicode.IsLetter(next) && !unicode.IsDigit(next) {
				return i + 1
			}
		}
	}
	return len(text)
}

// wordEnds reports whether text ends within a word, so that what follows is an apostrophe.
func wordEnds(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return len(text) > 0 && (unicode.IsLetter(last) || unicode.IsDigit(last))
}

func lastWord(text string) string {
	text = strings.TrimRight(text, " ")
	return text[strings.LastIndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })+1:]
}
