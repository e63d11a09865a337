package api

import (
	"context"
	"strings"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// defaultWait is how long WaitOperation waits when the caller does not say.
const defaultWait = time.Minute

// maxWait keeps a call from being held for ever.
const maxWait = 10 * time.Minute

// Operations are initial syncs that were asked for.
type Operations interface {
	Operation(ctx context.Context, id string) (tandem.Operation, error)
	// Operations returns those that wanted selects, the newest first, after the one called after.
	Operations(ctx context.Context, wanted tandem.OperationFilter, after string, limit int) ([]tandem.Operation, error)
	CancelOperation(ctx context.Context, id string) error
	// WaitOperation returns an operation when it is done, or as it is when ctx ends.
	WaitOperation(ctx context.Context, id string) (tandem.Operation, error)
	// LinkColumns returns the linked columns of a link.
	LinkColumns(ctx context.Context, link string) ([]tandem.Column, error)
}

// OperationsService is google.longrunning.Operations.
type OperationsService struct {
	longrunningpb.UnimplementedOperationsServer
	Operations Operations
}

// GetOperation returns an operation as it is now.
func (s *OperationsService) GetOperation(ctx context.Context, r *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error) {
	id, err := operationID(r.GetName())
	if err != nil {
		return nil, err
	}
	op, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.convert(ctx, &op)
}

// find returns an operation. One of a link that the caller may not see is not there for them.
func (s *OperationsService) find(ctx context.Context, id string) (tandem.Operation, error) {
	op, err := s.Operations.Operation(ctx, id)
	if err == nil && !tandem.CallerOf(ctx).Sees(op.Link) {
		return tandem.Operation{}, tandem.Errorf(tandem.CodeNotFound, "OPERATION_NOT_FOUND", "there is no operation %q", id)
	}
	return op, err
}

// CancelOperation asks an operation to stop. What it wrote stays written.
func (s *OperationsService) CancelOperation(ctx context.Context, r *longrunningpb.CancelOperationRequest) (*emptypb.Empty, error) {
	id, err := operationID(r.GetName())
	if err != nil {
		return nil, err
	}
	if _, err := s.find(ctx, id); err != nil {
		return nil, err
	}
	if err := s.Operations.CancelOperation(ctx, id); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// WaitOperation returns an operation when it is done, or as it is after the timeout.
func (s *OperationsService) WaitOperation(ctx context.Context, r *longrunningpb.WaitOperationRequest) (*longrunningpb.Operation, error) {
	id, err := operationID(r.GetName())
	if err != nil {
		return nil, err
	}
	if _, err := s.find(ctx, id); err != nil {
		return nil, err
	}
	timeout := defaultWait
	if r.GetTimeout() != nil {
		timeout = min(r.GetTimeout().AsDuration(), maxWait)
	}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	op, err := s.Operations.WaitOperation(waiting, id)
	if err != nil {
		return nil, err
	}
	return s.convert(ctx, &op)
}

func operationName(id string) string { return "operations/" + id }

func operationID(name string) (string, error) {
	id, found := strings.CutPrefix(name, "operations/")
	if !found || id == "" || strings.Contains(id, "/") {
		return "", tandem.InvalidField("name", "%q is not the name of an operation, operations/{operation}", name)
	}
	return id, nil
}

func (s *OperationsService) convert(ctx context.Context, op *tandem.Operation) (*longrunningpb.Operation, error) {
	var columns []tandem.Column
	if op.Report != nil && len(op.Report.Examples) > 0 {
		// A link that was deleted, or whose table is gone, still has its report; values are then shown as text.
		columns, _ = s.Operations.LinkColumns(ctx, op.Link)
	}
	return operation(op, columns)
}

// operation converts an operation; columns are those of its link, for the rows in its report.
func operation(op *tandem.Operation, columns []tandem.Column) (*longrunningpb.Operation, error) {
	metadata, err := anypb.New(syncMetadata(op))
	if err != nil {
		return nil, err
	}
	out := &longrunningpb.Operation{Name: operationName(op.ID), Metadata: metadata, Done: op.Done}
	switch {
	case op.Done && op.Error != nil:
		out.Result = &longrunningpb.Operation_Error{Error: Status(op.Error).Proto()}
	case op.Done && op.Report != nil:
		response, err := anypb.New(syncResponse(op.Report, columns))
		if err != nil {
			return nil, err
		}
		out.Result = &longrunningpb.Operation_Response{Response: response}
	}
	return out, nil
}

func syncMetadata(op *tandem.Operation) proto.Message {
	p := &op.Progress
	out := &tandemv1.InitialSyncMetadata{
		Link:      linkName(op.Link),
		Phase:     tandemv1.InitialSyncMetadata_Phase(tandemv1.InitialSyncMetadata_Phase_value[p.Phase]),
		RowsDone:  count(p.RowsDone),
		RowsTotal: count(p.RowsTotal),
		ApiCalls:  apiCalls(p.Reads, p.Writes),
		StartTime: timestamppb.New(op.Created),

		ValidateOnly: op.Request.ValidateOnly,
		Plan:         op.Request.Plan,
	}
	if out.Phase == tandemv1.InitialSyncMetadata_PHASE_UNSPECIFIED {
		out.Phase = tandemv1.InitialSyncMetadata_WAITING
	}
	spent := op.Updated.Sub(p.Started).Seconds()
	if p.Started.IsZero() || spent <= 0 || p.RowsDone == 0 {
		return out
	}
	out.RowsPerSecond = float64(p.RowsDone) / spent
	if left := p.RowsTotal - p.RowsDone; !op.Done && left > 0 {
		seconds := float64(left) / out.RowsPerSecond
		out.EstimatedEndTime = timestamppb.New(op.Updated.Add(time.Duration(seconds * float64(time.Second))))
	}
	return out
}

func syncResponse(report *tandem.SyncReport, columns []tandem.Column) proto.Message {
	return &tandemv1.InitialSyncResponse{
		Plan:     report.Plan,
		Duration: durationpb.New(report.Duration),
		ApiCalls: apiCalls(report.Reads, report.Writes),
		Counts:   syncCounts(&report.Counts),
		Examples: syncExamples(report.Examples, columns),
	}
}

func syncCounts(c *tandem.SyncCounts) *tandemv1.InitialSyncResponse_Counts {
	return &tandemv1.InitialSyncResponse_Counts{
		Equal:              count(c.Equal),
		InsertDatabase:     count(c.InsertDatabase),
		InsertSheet:        count(c.InsertSheet),
		UpdateDatabase:     count(c.UpdateDatabase),
		UpdateSheet:        count(c.UpdateSheet),
		DeleteDatabase:     count(c.DeleteDatabase),
		DeleteSheet:        count(c.DeleteSheet),
		Conflicts:          count(c.Conflicts),
		Refused:            count(c.Refused),
		SettledDatabaseWon: count(c.DatabaseWon),
		SettledSheetWon:    count(c.SheetWon),
		Skipped:            count(c.Skipped),
	}
}

// syncExamples are rows of a plan; columns are those of the link.
func syncExamples(examples []tandem.SyncExample, columns []tandem.Column) []*tandemv1.InitialSyncResponse_Example {
	out := make([]*tandemv1.InitialSyncResponse_Example, 0, len(examples))
	for _, e := range examples {
		out = append(out, &tandemv1.InitialSyncResponse_Example{
			Key:            string(e.Key),
			Kind:           tandemv1.InitialSyncResponse_Example_Kind(tandemv1.InitialSyncResponse_Example_Kind_value[e.Kind]),
			Columns:        e.Columns,
			DatabaseValues: namedValues(columns, e.Database),
			SheetValues:    namedValues(columns, e.Sheet),
			Message:        e.Message,
		})
	}
	return out
}

func apiCalls(reads, writes int64) *tandemv1.ApiCalls {
	return &tandemv1.ApiCalls{Reads: count(reads), Writes: count(writes)}
}

// count fits n into the contract's 32 bits.
func count(n int64) int32 { return int32(max(0, min(n, 1<<31-1))) }
