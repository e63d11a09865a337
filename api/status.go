package api

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// QuotaBudget is what is left of one kind of Google calls in a minute.
type QuotaBudget struct {
	Limit   int // 0 is none
	Left    int
	Waiting int // calls that wait in this process
}

// QuotaState is how the server stands with Google's quota.
type QuotaState struct {
	Reads, Writes QuotaBudget
	Minutes       []tandem.CallMinute // of the last hour, the oldest first
	CallDuration  time.Duration       // of one call, lately; 0 when none was made
}

// ServerState is what a server is.
type ServerState struct {
	Version, Database, Capture, GoogleAccount string
	Started                                   time.Time
}

// Statuses tell how the server is doing.
type Statuses interface {
	QuotaState(ctx context.Context) (QuotaState, error)
	// Backlogs are what waits for each link.
	Backlogs(ctx context.Context) ([]tandem.Backlog, error)
	ServerState(ctx context.Context) (ServerState, error)
}

// StatusService answers how the server is doing.
type StatusService struct {
	tandemv1.UnimplementedStatusServiceServer
	Status Statuses
	Now    func() time.Time
}

// GetQuota returns the budget of Google calls and what waits for it.
func (s *StatusService) GetQuota(ctx context.Context, _ *tandemv1.GetQuotaRequest) (*tandemv1.Quota, error) {
	state, err := s.Status.QuotaState(ctx)
	if err != nil {
		return nil, err
	}
	backlogs, err := s.Status.Backlogs(ctx)
	if err != nil {
		return nil, err
	}
	quota := &tandemv1.Quota{Reads: budgetMessage(state.Reads), Writes: budgetMessage(state.Writes)}
	for _, m := range state.Minutes {
		quota.Minutes = append(quota.Minutes, &tandemv1.Quota_Minute{StartTime: timestamppb.New(m.Start),
			Reads: int32(m.Reads), Writes: int32(m.Writes), Rejected: int32(m.Rejected)})
	}
	now := s.Now()
	waiting := slices.DeleteFunc(backlogs, func(b tandem.Backlog) bool { return b.Rows+b.Writes == 0 })
	slices.SortStableFunc(waiting, func(a, b tandem.Backlog) int {
		return cmp.Or(a.Oldest.Compare(b.Oldest), cmp.Compare(a.Link, b.Link))
	})
	caller := tandem.CallerOf(ctx)
	for _, b := range waiting {
		if !caller.Sees(b.Link) {
			continue
		}
		quota.Backlog = append(quota.Backlog, &tandemv1.Quota_Backlog{Link: linkName(b.Link), Rows: int32(min(b.Rows, math.MaxInt32)),
			Writes: int32(min(b.Writes, math.MaxInt32)), Age: durationpb.New(age(now, b.Oldest))})
	}
	if drain, known := timeToDrain(state, waiting); known {
		quota.TimeToDrain = durationpb.New(drain)
	}
	return quota, nil
}

func budgetMessage(b QuotaBudget) *tandemv1.Quota_Budget {
	return &tandemv1.Quota_Budget{Limit: int32(min(b.Limit, math.MaxInt32)), Left: int32(min(b.Left, math.MaxInt32)), Waiting: int32(b.Waiting)}
}

// What a link's backlog costs in calls: each cycle takes up to so many rows, and makes so many reads, and a write for so many
// of the rows.
const (
	rowsOfCycle   = 5000
	readsOfCycle  = 4
	rowsOfWrite   = 2500
	usualDuration = 200 * time.Millisecond
)

// timeToDrain estimates how long the backlog needs: its calls, made one after the other, and no faster than the budget is
// given out. It is not known for links that do not flow, whose backlog waits for people.
func timeToDrain(state QuotaState, waiting []tandem.Backlog) (time.Duration, bool) {
	reads, writes := 0, 0
	for _, b := range waiting {
		if b.State != tandem.StateActive && b.Writes == 0 {
			continue
		}
		rows := b.Writes
		if b.State == tandem.StateActive {
			rows += b.Rows
		}
		reads += readsOfCycle * (1 + (rows-1)/rowsOfCycle)
		writes += 1 + (rows-1)/rowsOfWrite
	}
	if reads == 0 {
		return 0, false
	}
	need := time.Duration(reads+writes) * cmp.Or(state.CallDuration, usualDuration)
	return max(need, state.Reads.need(reads), state.Writes.need(writes)), true
}

// need is how long it takes until the budget has given out so many calls.
func (b QuotaBudget) need(calls int) time.Duration {
	if b.Limit <= 0 || calls+b.Waiting <= b.Left {
		return 0
	}
	return time.Duration(float64(calls+b.Waiting-b.Left) / float64(b.Limit) * float64(time.Minute))
}

// GetServerInfo returns what the server is.
func (s *StatusService) GetServerInfo(ctx context.Context, _ *tandemv1.GetServerInfoRequest) (*tandemv1.ServerInfo, error) {
	state, err := s.Status.ServerState(ctx)
	if err != nil {
		return nil, err
	}
	caller := tandem.CallerOf(ctx)
	info := &tandemv1.ServerInfo{Version: state.Version, Database: state.Database, Capture: state.Capture,
		GoogleAccount: state.GoogleAccount, StartTime: timestamppb.New(state.Started), Role: role(caller.Role), Caller: caller.Name}
	for _, link := range caller.Links {
		info.Links = append(info.Links, linkName(link))
	}
	return info, nil
}

// age is how long something has waited; a look that Drive asked for says nothing of when.
func age(now, since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since))
}
