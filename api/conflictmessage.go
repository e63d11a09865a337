package api

import (
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// message converts a conflict.
func (v *conflictView) message(c *tandem.Conflict) *tandemv1.Conflict {
	out := &tandemv1.Conflict{
		Name:           conflictName(v.link.ID, c.Key),
		Key:            string(c.Key),
		BaseValues:     v.values(c.Base),
		DatabaseValues: v.values(c.Database),
		SheetValues:    v.values(c.Sheet),
		DatabaseTime:   moment(c.DatabaseTime),
		SheetStartTime: moment(c.SheetFrom),
		SheetEndTime:   moment(c.SheetTo),
		DatabaseActor:  c.DatabaseActor,
		SheetActor:     c.SheetActor,
		Reason:         c.Reason,
		CreateTime:     moment(c.Since),
		Etag:           c.Digest,
		Resolving:      c.Resolution != nil,
	}
	standsIn := tandem.Database
	switch {
	case c.Database == nil && c.Sheet != nil:
		standsIn, out.DeletedOn = tandem.Sheet, tandemv1.Link_DATABASE
	case c.Sheet == nil && c.Database != nil:
		out.DeletedOn = tandemv1.Link_SHEET
	}
	out.Row = rowName(v.link.ID, standsIn, c.Key)
	for _, name := range c.Columns {
		out.Columns = append(out.Columns, &tandemv1.Conflict_Column{Column: name, Base: v.value(c.Base, name), Database: v.value(c.Database, name),
			Sheet: v.value(c.Sheet, name)})
	}
	return out
}

// values converts a side's row. Columns that it says nothing about are left out.
func (v *conflictView) values(row map[string]tandem.Value) *structpb.Struct {
	if row == nil {
		return nil
	}
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(row))}
	for name := range row {
		if value := v.value(row, name); value != nil {
			out.Fields[name] = value
		}
	}
	return out
}

// value converts one cell of a row; nil where the row says nothing about it. Columns that are no longer linked are shown as
// text.
func (v *conflictView) value(row map[string]tandem.Value, name string) *structpb.Value {
	value := row[name]
	if value.IsAbsent() {
		return nil
	}
	return encodeNamed(v.columns, name, value)
}

// encodeNamed converts a value of the column called name.
func encodeNamed(columns []tandem.Column, name string, value tandem.Value) *structpb.Value {
	kind := tandem.Type{Kind: tandem.String}
	if column := columnNamed(columns, name); column != nil {
		kind = column.Type
	}
	return encodeValue(kind, value)
}

// moment converts a time; nil where it is not known.
func moment(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
