package api

import (
	"strconv"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// changeView converts the history of one link to messages.
type changeView struct {
	link    tandem.Link
	columns []tandem.Column // all of the table's; none when it is gone
}

// change makes the message of an entry.
func (v *changeView) change(e *tandem.Entry) *tandemv1.Change {
	out := &tandemv1.Change{
		Name:   v.changeName(e.Seq),
		Row:    rowName(v.link.ID, tandem.Database, e.Key),
		Key:    string(e.Key),
		Kind:   kindMessage(e.Kind),
		Source: sourceMessage(e.Source),
		Cause:  tandemv1.Change_Cause(tandemv1.Change_Cause_value[string(e.Cause)]),
		Actor:  e.Actor,
		Before: namedValues(v.columns, e.Before),
		After:  namedValues(v.columns, e.After),
	}
	if !e.At.IsZero() {
		out.ApplyTime = timestamppb.New(e.At)
	}
	if e.Conflict != nil {
		out.Settled = &tandemv1.Change_Settled{Columns: e.Conflict.Columns, Winner: sourceMessage(e.Conflict.Winner)}
	}
	return out
}

func (v *changeView) changeName(seq int64) string {
	return linkName(v.link.ID) + "/changes/" + strconv.FormatInt(seq, 10)
}

func kindMessage(kind tandem.ChangeKind) tandemv1.Change_Kind {
	return tandemv1.Change_Kind(tandemv1.Change_Kind_value[string(kind)])
}

// result makes the message of what became of one row. A row that moved is shown as it is now.
func (v *changeView) result(r *tandem.RevertResult) *tandemv1.RevertResult {
	out := &tandemv1.RevertResult{
		Row:         rowName(v.link.ID, tandem.Database, r.Key),
		Key:         string(r.Key),
		ChangeCount: int32(len(r.Seqs)),
		Kind:        kindMessage(r.Kind),
	}
	for _, seq := range r.Seqs[max(0, len(r.Seqs)-maxChangeNames):] {
		out.Changes = append(out.Changes, v.changeName(seq))
	}
	if r.Err == nil {
		return out
	}
	var now []protoadapt.MessageV1
	if row := r.Err.Row; row != nil {
		view := &rowView{link: &v.link, source: tandem.Database, columns: v.linked()}
		now = append(now, protoadapt.MessageV1Of(view.convert(row, "", everything, nil)))
	}
	out.Error = statusOf(r.Err, now...).Proto()
	return out
}

// linked are the link's columns in its order, as rows hold their values.
func (v *changeView) linked() []tandem.Column {
	columns := make([]tandem.Column, len(v.link.Columns))
	for i, linked := range v.link.Columns {
		columns[i] = tandem.Column{Name: linked.Column, Type: tandem.Type{Kind: tandem.String}}
		if column := columnNamed(v.columns, linked.Column); column != nil {
			columns[i] = *column
		}
	}
	return columns
}
