package api_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
)

// A packed message is, for whoever gets it, the message that encoding its values one by one gives.
func TestPackedValues(t *testing.T) {
	texts := []string{"", "a", `"quoted"`, "line\nbreak\x00\x1f", "Grüße 😀", "broken \xff\xfe", "<&>\u2028", "true", "1e5", fmt.Sprint(make([]byte, 200))}
	numbers := []string{"0", "-1", "4294967295", "0.1", "1e+21", "5e-324", "-1.7976931348623157e+308", "text"}
	kinds := []tandem.Type{{Kind: tandem.String}, {Kind: tandem.Int, Bits: 32}, {Kind: tandem.Int, Bits: 64}, {Kind: tandem.Decimal, Precision: 10}, {Kind: tandem.Float, Bits: 64},
		{Kind: tandem.Bool}, {Kind: tandem.Date}, {Kind: tandem.Year}, {Kind: tandem.Bytes}}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		columns, values := make([]tandem.Column, random.IntN(12)), make([]tandem.Value, 0, 12)
		for i := range columns {
			columns[i] = tandem.Column{Name: fmt.Sprintf("c%d%s", i, texts[random.IntN(5)]), Type: kinds[random.IntN(len(kinds))]}
			text := texts[random.IntN(len(texts))]
			if k := columns[i].Type.Kind; k == tandem.Int || k == tandem.Float || k == tandem.Year {
				text = numbers[random.IntN(len(numbers))]
			}
			switch random.IntN(8) {
			case 0:
				values = append(values, tandem.Null)
			case 1:
				values = append(values, tandem.Invalid(text))
			case 2:
				values = append(values, tandem.Absent)
			default:
				values = append(values, tandem.Text(text))
			}
		}
		wire, err := proto.Marshal(api.Pack(columns, values))
		if err != nil {
			t.Fatal(err)
		}
		var got structpb.Struct
		if err := proto.Unmarshal(wire, &got); err != nil {
			t.Fatal(err)
		}
		want := api.Encode(columns, values)
		if len(want.Fields) == 0 {
			want.Fields = nil
		}
		if diff := cmp.Diff(want, &got, protocmp.Transform()); diff != "" {
			t.Fatalf("%v as %v (-want +got):\n%s", values, columns, diff)
		}
	}
}
