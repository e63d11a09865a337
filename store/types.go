package store

import (
	"strconv"
	"strings"

	"github.com/tandem-sync/tandem"
)

// native is a type as the database spells it, taken apart: "decimal(10,2) unsigned".
type native struct {
	word     string // in lower case: "decimal", "double precision"
	args     string // "10,2"
	numbers  []int  // the args as numbers, where they are
	unsigned bool
}

// parseNative reads any spelling, of types that it has never heard of too.
func parseNative(spelled string) native {
	n := native{word: strings.ToLower(strings.TrimSpace(spelled))}
	rest := n.word
	if open := strings.IndexByte(spelled, '('); open >= 0 {
		end := strings.LastIndexByte(spelled, ')')
		if end > open {
			n.args = spelled[open+1 : end]
			rest = strings.ToLower(spelled[:open] + " " + spelled[end+1:])
		}
	}
	var words []string
	for _, word := range strings.Fields(rest) {
		switch word {
		case "unsigned":
			n.unsigned = true
		case "zerofill", "signed":
		default:
			words = append(words, word)
		}
	}
	n.word = strings.Join(words, " ")
	for _, arg := range strings.Split(n.args, ",") {
		if number, err := strconv.Atoi(strings.TrimSpace(arg)); err == nil {
			n.numbers = append(n.numbers, number)
		}
	}
	return n
}

// number returns an argument of the type, or what it is when the type does not give it.
func (n native) number(i, otherwise int) int {
	if i < len(n.numbers) {
		return n.numbers[i]
	}
	return otherwise
}

// values returns the quoted texts of an ENUM.
func (n native) values() []string {
	var all []string
	for rest := n.args; ; {
		start := strings.IndexByte(rest, '\'')
		if start < 0 {
			return all
		}
		rest = rest[start+1:]
		var value strings.Builder
		for {
			end := strings.IndexByte(rest, '\'')
			if end < 0 {
				return all
			}
			value.WriteString(rest[:end])
			rest = rest[end+1:]
			if !strings.HasPrefix(rest, "'") {
				break
			}
			value.WriteByte('\'')
			rest = rest[1:]
		}
		all = append(all, value.String())
	}
}

var integerBits = map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}

// textLengths are in bytes; what is longer in characters than fits in bytes is refused by the database.
var textLengths = map[string]int{"tinytext": 255, "text": 65535, "mediumtext": 1<<24 - 1, "longtext": 0}

// mysqlType reads information_schema's COLUMN_TYPE. TINYINT(1) is what BOOLEAN is stored as; one that holds other numbers shows
// them as invalid. A type that is not listed cannot be linked: GEOMETRY, VECTOR and what comes later.
func mysqlType(spelled string) tandem.Type {
	n := parseNative(spelled)
	t := tandem.Type{Native: spelled}
	switch n.word {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		if n.word == "tinyint" && n.args == "1" && !n.unsigned {
			t.Kind = tandem.Bool
			break
		}
		t.Kind, t.Bits, t.Unsigned = tandem.Int, integerBits[n.word], n.unsigned
	case "bit":
		if n.number(0, 1) == 1 {
			t.Kind = tandem.Bool
			break
		}
		t.Kind, t.Bits, t.Unsigned = tandem.Int, 64, true
	case "decimal":
		t.Kind, t.Precision, t.Scale = tandem.Decimal, n.number(0, 10), n.number(1, 0)
	case "float":
		t.Kind, t.Bits = tandem.Float, 32
	case "double":
		t.Kind, t.Bits = tandem.Float, 64
	case "char", "varchar":
		t.Kind, t.Length = tandem.String, n.number(0, 1)
	case "tinytext", "text", "mediumtext", "longtext":
		t.Kind, t.Length = tandem.String, textLengths[n.word]
	case "enum":
		t.Kind, t.Values = tandem.String, n.values()
	case "set", "uuid", "inet4", "inet6":
		t.Kind = tandem.String
		t.Length = map[string]int{"uuid": 36, "inet4": 15, "inet6": 45}[n.word]
	case "json":
		t.Kind, t.JSON = tandem.String, true
	case "date":
		t.Kind = tandem.Date
	case "datetime":
		t.Kind, t.Fraction = tandem.DateTime, n.number(0, 0)
	case "timestamp":
		t.Kind, t.Fraction = tandem.Timestamp, n.number(0, 0)
	case "time":
		t.Kind, t.Fraction = tandem.Time, n.number(0, 0)
	case "year":
		t.Kind = tandem.Year
	case "binary", "varbinary":
		t.Kind, t.Length = tandem.Bytes, n.number(0, 1)
	case "tinyblob", "blob", "mediumblob", "longblob":
		t.Kind, t.Length = tandem.Bytes, textLengths[strings.Replace(n.word, "blob", "text", 1)]
	}
	return t
}

// sqliteType goes by the declared type, which SQLite itself enforces hardly at all: what a row holds may still not be a
// value of it, and is then invalid. INT and INTEGER hold 64 bits, as SQLite's do. A DECIMAL of more than 15 digits would
// be stored as a float and is not linked; declared TEXT, it is a text.
func sqliteType(spelled string) tandem.Type {
	n := parseNative(spelled)
	t := tandem.Type{Native: spelled}
	switch n.word {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "int2", "int8", "big int":
		if n.word == "tinyint" && n.args == "1" {
			t.Kind = tandem.Bool
			break
		}
		t.Kind, t.Bits, t.Unsigned = tandem.Int, 64, n.unsigned
		if bits := integerBits[n.word]; bits > 0 && bits < 32 {
			t.Bits = bits
		}
	case "boolean", "bool":
		t.Kind = tandem.Bool
	case "bit":
		if n.number(0, 1) == 1 {
			t.Kind = tandem.Bool
		}
	case "decimal", "numeric", "dec":
		precision, scale := n.number(0, 0), n.number(1, 0)
		switch {
		case precision == 0:
			t.Kind, t.Bits = tandem.Float, 64
		case precision <= 15:
			t.Kind, t.Precision, t.Scale = tandem.Decimal, precision, scale
		}
	case "real", "double", "double precision", "float":
		t.Kind, t.Bits = tandem.Float, 64
	case "char", "varchar", "character", "nchar", "nvarchar", "varying character", "character varying", "native character", "text", "clob":
		t.Kind, t.Length = tandem.String, n.number(0, 0)
	case "uuid":
		t.Kind = tandem.String
	case "json":
		t.Kind, t.JSON = tandem.String, true
	case "date":
		t.Kind = tandem.Date
	case "datetime", "timestamp":
		t.Kind, t.Fraction = tandem.DateTime, min(n.number(0, 3), 6)
	case "time":
		t.Kind, t.Fraction = tandem.Time, min(n.number(0, 0), 6)
	case "year":
		t.Kind = tandem.Year
	case "blob", "binary", "varbinary":
		t.Kind, t.Length = tandem.Bytes, n.number(0, 0)
	}
	return t
}

// unlinkable says why a column cannot be linked.
func unlinkable(c *tandem.Column) string {
	if word := parseNative(c.Type.Native).word; word == "decimal" || word == "numeric" {
		return "is declared " + c.Type.Native + ", which SQLite stores as a float of 15 digits; declare it TEXT to keep every digit"
	}
	return "is of type " + c.Type.Native + ", which cannot be linked"
}
