package sheets_test

import (
	"testing"

	"github.com/tandem-sync/tandem/sheets"
)

// A formula that is put back below where it stood, after a column was inserted before C, names what it named.
func TestFormulaInAnotherPlace(t *testing.T) {
	tests := []struct{ formula, want string }{
		{"=D3*2", "=E4*2"},
		{"=B3+C3", "=B4+D4"},
		{"=$D3*B$1+$C$2", "=$E4*B$1+$D$2"},
		{"=SUM(B2:D3)", "=SUM(B3:E4)"},
		{"=SUM(B2:D)", "=SUM(B3:E)"},
		{"=SUM(D:D)+COUNT($C:$C)", "=SUM(E:E)+COUNT($D:$D)"},
		{"=SUM(3:3)+SUM($1:$1)", "=SUM(4:4)+SUM($1:$1)"},
		{"=Other!D3+D3", "=Other!D4+E4"},
		{"=SUM('My tab'!C2:D3)", "=SUM('My tab'!C3:D4)"},
		{"=Anime!D3&'Anime'!D3", "=Anime!E4&'Anime'!E4"},
		{`=IF(D3="D3 ""C3""","C3:D3",LOG10(D3))`, `=IF(E4="D3 ""C3""","C3:D3",LOG10(E4))`},
		{"=rate_D3+D3", "=rate_D3+E4"},
		{"=1.5E3+D3", "=1.5E3+E4"},
		{"=ROW(AZ10)", "=ROW(BA11)"},
		{"=AB1_total+D3", "=AB1_total+E4"},
		{"=TRUE", "=TRUE"},
	}
	for _, test := range tests {
		if got := sheets.Rewrite(test.formula, 2, 1); got != test.want {
			t.Errorf("%s became %s, want %s", test.formula, got, test.want)
		}
	}
}
