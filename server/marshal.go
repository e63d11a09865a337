package server

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/tandem-sync/tandem/api"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// rowMarshaler writes rows by hand, in the JSON that protojson writes them in, where most of a list's time would go. All
// other messages are left to protojson. Values of rows come packed, and stand in the order of the link's columns.
type rowMarshaler struct{ *runtime.JSONPb }

// Marshal writes a message as JSON.
func (m rowMarshaler) Marshal(message any) ([]byte, error) {
	w := rowWriter{options: m.MarshalOptions}
	switch message := message.(type) {
	case *tandemv1.Row:
		w.to = make([]byte, 0, rowSize(message))
		w.row(message)
	case *tandemv1.ListRowsResponse:
		size := 200
		for _, row := range message.GetRows() {
			size += rowSize(row)
		}
		w.to = make([]byte, 0, size)
		w.page(message)
	default:
		return m.JSONPb.Marshal(message)
	}
	return w.to, w.err
}

// rowSize is about how long a row's JSON is.
func rowSize(row *tandemv1.Row) int {
	packed := len(row.GetValues().ProtoReflect().GetUnknown())
	return 200 + len(row.GetName()) + len(row.GetSyncError()) + packed + packed/4
}

type rowWriter struct {
	to      []byte
	options protojson.MarshalOptions
	err     error
}

func (w *rowWriter) page(page *tandemv1.ListRowsResponse) {
	w.add(`{"rows":[`)
	for i, row := range page.GetRows() {
		if i > 0 {
			w.add(",")
		}
		w.row(row)
	}
	w.add(`],"nextPageToken":`)
	w.text([]byte(page.GetNextPageToken()))
	if page.TotalSize != nil {
		w.add(`,"totalSize":`)
		w.to = strconv.AppendInt(w.to, int64(page.GetTotalSize()), 10)
	}
	w.moment(`,"snapshotTime":`, page.GetSnapshotTime())
	w.add("}")
}

func (w *rowWriter) row(row *tandemv1.Row) {
	w.add(`{"name":`)
	w.text([]byte(row.GetName()))
	if values := row.GetValues(); values != nil {
		w.add(`,"values":`)
		w.values(values)
	}
	w.add(`,"etag":`)
	w.text([]byte(row.GetEtag()))
	w.moment(`,"updateTime":`, row.GetUpdateTime())
	w.add(`,"syncState":`)
	if name, known := tandemv1.Row_SyncState_name[int32(row.GetSyncState())]; known {
		w.text([]byte(name))
	} else {
		w.to = strconv.AppendInt(w.to, int64(row.GetSyncState()), 10)
	}
	w.add(`,"syncError":`)
	w.text([]byte(row.GetSyncError()))
	w.add(`,"position":`)
	w.to = strconv.AppendInt(w.to, int64(row.GetPosition()), 10)
	w.add("}")
}

func (w *rowWriter) values(values *structpb.Struct) {
	begin, before := "{", len(w.to)
	packed := api.PackedValues(values, func(name []byte, value api.PackedValue) {
		w.add(begin)
		begin = ","
		w.text(name)
		w.add(":")
		w.value(value)
	})
	if packed {
		w.add("}")
		return
	}
	data, err := w.options.Marshal(values)
	if err != nil {
		w.err = err
	}
	w.to = append(w.to[:before], data...)
}

func (w *rowWriter) value(value api.PackedValue) {
	if text, ok := value.Text(); ok {
		w.text(text)
	} else if n, ok := value.Number(); ok {
		w.number(n)
	} else if truth, ok := value.Bool(); ok {
		w.to = strconv.AppendBool(w.to, truth)
	} else {
		w.add("null")
	}
}

func (w *rowWriter) add(text string) { w.to = append(w.to, text...) }

// number writes a number as JSON does: with an exponent where it is very small or large.
func (w *rowWriter) number(n float64) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		w.text([]byte(strconv.FormatFloat(n, 'g', -1, 64))) // no column holds one
		return
	}
	if size := math.Abs(n); size != 0 && (size < 1e-6 || size >= 1e21) {
		w.to = strconv.AppendFloat(w.to, n, 'e', -1, 64)
		return
	}
	w.to = strconv.AppendFloat(w.to, n, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// text writes a JSON string.
func (w *rowWriter) text(text []byte) {
	w.to = append(w.to, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				w.to = append(append(w.to, text[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		w.to = append(w.to, text[from:i]...)
		switch c {
		case '"', '\\':
			w.to = append(w.to, '\\', c)
		case '\n':
			w.add(`\n`)
		case '\r':
			w.add(`\r`)
		case '\t':
			w.add(`\t`)
		default:
			w.to = append(w.to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	w.to = append(append(w.to, text[from:]...), '"')
}

// moment writes a field that holds a time with as many digits as it needs, by threes; none when there is no time.
func (w *rowWriter) moment(field string, at *timestamppb.Timestamp) {
	if at == nil {
		return
	}
	if err := at.CheckValid(); err != nil {
		w.err = err
		return
	}
	w.add(field)
	layout := time.DateOnly + "T" + time.TimeOnly
	switch nanos := at.GetNanos(); {
	case nanos%1e3 != 0:
		layout += ".000000000"
	case nanos%1e6 != 0:
		layout += ".000000"
	case nanos != 0:
		layout += ".000"
	}
	w.to = append(w.to, '"')
	w.to = at.AsTime().AppendFormat(w.to, layout)
	w.add(`Z"`)
}
