package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/engine"
	"github.com/tandem-sync/tandem/sheets"
	"github.com/tandem-sync/tandem/store"
)

// pruneEvery is how often what is too old to be asked for is removed.
const pruneEvery = time.Hour

// backend is everything behind the services: the interfaces of api and engine meet the store and the sheets here.
type backend struct {
	*store.Store
	sheets  *sheets.Client
	worker  *engine.Worker
	alerts  *alerts
	watcher *watcher // nil when Drive is not asked
	hub     *hub
	scans   *scans
	metrics *metrics
	traces  *traces
	keep    time.Duration // of history; 0 is for ever
	log     *slog.Logger
	holder  string // this process, in leases
	started time.Time
	capture string // how changes of the database are noticed
	// publicURL is where Google's scripts reach this server; "" when they do not.
	publicURL string
}

// openBackend opens the database and makes the client of the Sheets API. Google is not called.
func openBackend(ctx context.Context, config Config, log *slog.Logger) (*backend, error) {
	b := &backend{log: log, started: time.Now(), capture: string(config.Capture), scans: newScans(time.Now), keep: config.HistoryRetention, publicURL: config.PublicURL, metrics: newMetrics(time.Now)}
	host, _ := os.Hostname()
	holder := fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
	var err error
	if b.traces, err = openTraces(ctx, config.OTLPEndpoint, holder, log); err != nil {
		return nil, err
	}
	client, err := openSheets(ctx, config, log, b.googleCalled)
	if err != nil {
		return nil, err
	}
	b.sheets = client
	// The store announces links that have something to do; the worker, which needs the store, comes after it.
	wake := newWakes(func(link string) { b.worker.Wake(link) }).Wake
	if b.Store, err = store.Open(ctx, config.DatabaseURL, store.Options{Logger: log, Wake: wake, OnHint: b.metrics.hint, AlertURL: config.AlertURL, Capture: config.Capture}); err != nil {
		return nil, err
	}
	if config.Capture == store.ByBinlog {
		if _, err := b.Store.TryBinlog(ctx); err != nil {
			return nil, errors.Join(err, b.Store.Close())
		}
	}
	b.holder = holder
	b.sheets.Share(b.Store, holder)
	b.metrics.scrape(b)
	b.hub = newHub(b.Store, cmp.Or(config.watch, usualWatchLimits), b.metrics, log)
	b.alerts = newAlerts(b.Store, config.AlertURL, holder, log)
	var watched func(link *tandem.Link) bool
	if config.DriveInterval > 0 {
		b.watcher = newWatcher(b.Store, b.sheets, holder, config.DriveInterval, log)
		watched = b.watcher.Watched
	}
	b.worker = engine.New(engine.Options{
		Store: b.Store,
		OpenTable: func(ctx context.Context, link *tandem.Link) (engine.Table, error) {
			return b.Store.OpenTable(ctx, link)
		},
		OpenTab: func(link *tandem.Link, columns []tandem.Column) engine.Tab {
			return b.sheets.Open(link, columns).Journaled()
		},
		Logger:  log,
		Holder:  holder,
		Poll:    config.PollInterval,
		Watched: watched,
		Ready:   b.sheets.Ready,
		OnCycle: func(_ context.Context, report engine.CycleReport) { b.metrics.cycle(report) },
	})
	return b, nil
}

func openSheets(ctx context.Context, config Config, log *slog.Logger, called func(context.Context, sheets.Call)) (*sheets.Client, error) {
	client, err := sheets.New(ctx, sheets.Options{Endpoint: config.SheetsEndpoint, CredentialsFile: config.GoogleCredentialsFile, Logger: log, OnCall: called,
		ReadsPerMinute: config.UserReads, WritesPerMinute: config.UserWrites,
		ProjectReadsPerMinute: config.ProjectReads, ProjectWritesPerMinute: config.ProjectWrites})
	if err != nil {
		return nil, fmt.Errorf("open Google Sheets: %w", err)
	}
	return client, nil
}

// work runs the worker until ctx ends, posts alerts, and removes now and then what nobody can ask for any more.
func (b *backend) work(ctx context.Context) {
	var posting sync.WaitGroup
	defer posting.Wait()
	posting.Go(func() { b.alerts.run(ctx) })
	posting.Go(func() { b.hub.run(ctx) })
	posting.Go(func() { b.Store.ReadBinlog(ctx, b.holder) })
	if b.watcher != nil {
		posting.Go(func() { b.watcher.run(ctx) })
	}
	go func() {
		ticker := time.NewTicker(pruneEvery)
		defer ticker.Stop()
		for {
			if err := errors.Join(b.Store.Prune(ctx), b.Store.PruneHistory(ctx, b.keep)); err != nil && ctx.Err() == nil {
				b.log.Warn("old records not removed", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	b.worker.Run(b.traces.under(ctx))
}

func (b *backend) close() error {
	b.traces.close()
	return b.Store.Close()
}

// OpenRows opens one side of a link for the API. The tab is always opened for what the link and its table are now.
func (b *backend) OpenRows(ctx context.Context, id string, source tandem.Source, anew bool) (*tandem.Link, api.RowSource, error) {
	link, table, err := b.Store.OpenRows(ctx, id, anew || source == tandem.Sheet)
	if err != nil {
		return nil, nil, err
	}
	if source == tandem.Database {
		return link, tableRows{Table: table, now: time.Now}, nil
	}
	columns := table.Columns()
	return link, &sheetRows{RowWriter: b.Store.SheetWriter(link), columns: columns, tab: b.sheets.Open(link, columns), scans: b.scans,
		link: link.ID, name: fmt.Sprintf("%s@%d.%d", link.ID, link.Number, link.Version), key: link.Key}, nil
}

// LinkColumns returns the columns of a link as its table has them now.
func (b *backend) LinkColumns(ctx context.Context, id string) ([]tandem.Column, error) {
	link, err := b.Store.Link(ctx, id)
	if err != nil {
		return nil, err
	}
	table, err := b.Store.OpenTable(ctx, &link)
	if err != nil {
		return nil, err
	}
	return table.Columns(), nil
}

// Spreadsheet returns a spreadsheet with the headers of its tabs.
func (b *backend) Spreadsheet(ctx context.Context, id string, headerRow int) (*tandem.Spreadsheet, error) {
	return b.sheets.SpreadsheetAt(ctx, id, headerRow)
}

// AddTab adds an empty tab.
func (b *backend) AddTab(ctx context.Context, spreadsheet, title string) (tandem.TabInfo, error) {
	return b.sheets.AddTab(ctx, spreadsheet, title)
}

// SetUp writes the headers of a link's empty tab.
func (b *backend) SetUp(ctx context.Context, link *tandem.Link, columns []tandem.Column) error {
	return b.sheets.Open(link, columns).Setup(ctx)
}
