package server

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/sheets"
)

// QuotaState returns how the budget of Google calls stands. Where it is limited, all processes count in one table; else each
// knows its own calls.
func (b *backend) QuotaState(ctx context.Context) (api.QuotaState, error) {
	quota := b.sheets.Quota(ctx)
	state := api.QuotaState{Reads: quotaBudget(quota.Reads), Writes: quotaBudget(quota.Writes), Minutes: quota.Minutes, CallDuration: quota.CallDuration}
	if quota.Reads.Limit+quota.Writes.Limit == 0 {
		return state, nil
	}
	project, credential := b.sheets.Whose()
	minutes, err := b.Store.CallMinutes(ctx, project, credential, time.Now().Add(-time.Hour))
	state.Minutes = minutes
	return state, err
}

func quotaBudget(b sheets.Budget) api.QuotaBudget {
	return api.QuotaBudget{Limit: b.Limit, Left: b.Left, Waiting: b.Waiting}
}

// ServerState returns what this server is.
func (b *backend) ServerState(context.Context) (api.ServerState, error) {
	return api.ServerState{Version: version(), Database: b.Store.Server(), Capture: b.capture, GoogleAccount: b.sheets.Account(), Started: b.started}, nil
}

// version is the program's, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
