package emulator

import "strings"

// conventions are how a locale writes numbers and dates.
type conventions struct {
	decimal, group string
	dayFirst       bool
	date           string // the pattern of a date without one
	currency       string // the pattern of an amount without one
}

var americans = conventions{decimal: ".", group: ",", date: "M/d/yyyy", currency: `"$"#,##0.00`}

// conventionsOf knows the locales by language, and the few countries that differ. Others count as en_US.
func conventionsOf(locale string) conventions {
	language, country, _ := strings.Cut(locale, "_")
	c := americans
	switch language {
	case "en":
		if country != "" && country != "US" && country != "CA" && country != "PH" {
			c.dayFirst, c.date = true, "dd/MM/yyyy"
		}
		if country == "GB" {
			c.currency = `[$£]#,##0.00`
		}
		return c
	case "de", "es", "it", "nl", "pt", "id", "tr", "da", "el", "ro", "sl", "hr", "vi":
		c = conventions{decimal: ",", group: ".", dayFirst: true, date: "dd/MM/yyyy", currency: "#,##0.00 [$€]"}
		if language == "de" || language == "tr" || language == "ro" {
			c.date = "dd.MM.yyyy"
		}
		if language == "nl" {
			c.date = "d-M-yyyy"
		}
		if country == "CH" {
			c.decimal, c.group = ".", "’"
		}
		if country == "MX" {
			c.decimal, c.group = ".", ","
		}
	case "fr":
		c = conventions{decimal: ",", group: "\u202f", dayFirst: true, date: "dd/MM/yyyy", currency: "#,##0.00 [$€]"}
	case "ru", "pl", "cs", "uk", "fi", "nb", "no", "sv", "bg", "sk", "hu":
		c = conventions{decimal: ",", group: "\u00a0", dayFirst: true, date: "dd.MM.yyyy", currency: "#,##0.00"}
		if language == "sv" || language == "hu" {
			c.dayFirst, c.date = false, "yyyy-MM-dd"
		}
	case "ja", "zh":
		c.date = "yyyy/MM/dd"
	case "ko":
		c.date = "yyyy. M. d"
	}
	return c
}
