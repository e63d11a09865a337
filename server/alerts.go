package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// serverLease is held by one of the processes that serve a database, as long as there is any. Its holder posts the alerts, so
// that each arrives once where nothing fails, and `tandem uninstall` sees by it that somebody still serves.
const serverLease = "server"

// Times of alerts.
const (
	alertsEvery  = 2 * time.Second // how often due alerts are looked for
	alertTimeout = 10 * time.Second
	alertsAtOnce = 20
	alertMaxWait = time.Hour
	alertKeep    = 24 * time.Hour // after which an alert is given up

	// serverLeaseTTL is longer than a round of posting takes.
	serverLeaseTTL   = 20 * time.Second
	serverLeaseRenew = 15 * time.Second // before it runs out
)

// alerts posts the alerts of links to their addresses.
type alerts struct {
	store  *store.Store
	url    string // for links without one of their own; "" for nowhere
	holder string
	client *http.Client
	log    *slog.Logger
	lease  tandem.Lease // zero while another process has it
}

func newAlerts(st *store.Store, address, holder string, log *slog.Logger) *alerts {
	return &alerts{store: st, url: address, holder: holder, log: log, client: &http.Client{Timeout: alertTimeout, CheckRedirect: sameHost}}
}

// sameHost follows a redirect only where the alert arrives as it was sent, at the host that it was meant for.
func sameHost(next *http.Request, before []*http.Request) error {
	first := before[0]
	switch {
	case next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme:
		return errors.New("the answer redirects to another host")
	case next.Method != first.Method:
		return errors.New("the answer redirects without the body; it must be 307 or 308")
	case len(before) > 5:
		return errors.New("the answers redirect in a circle")
	}
	return nil
}

// run posts alerts until ctx ends.
func (a *alerts) run(ctx context.Context) {
	defer a.release(ctx)
	ticker := time.NewTicker(alertsEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if a.hold(ctx) {
			a.post(ctx)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// hold reports whether this process has the lease, and takes or keeps it where it can.
func (a *alerts) hold(ctx context.Context) bool {
	var err error
	switch left := time.Until(a.lease.Expires); {
	case a.lease.Name == "":
		var got bool
		if a.lease, got, err = a.store.Claim(ctx, serverLease, a.holder, serverLeaseTTL); err == nil && !got {
			a.lease = tandem.Lease{}
		}
	case left < serverLeaseRenew:
		a.lease, err = a.store.Renew(ctx, a.lease, serverLeaseTTL)
	}
	if err != nil {
		a.lease = tandem.Lease{}
		if ctx.Err() == nil && !errors.Is(err, tandem.ErrFenced) {
			a.log.Warn("alerts wait for the database", "error", err)
		}
	}
	return a.lease.Name != ""
}

// release hands the lease back, so that another process, or an uninstall, need not wait until it runs out.
func (a *alerts) release(ctx context.Context) {
	a.client.CloseIdleConnections()
	if a.lease.Name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := a.store.Release(ctx, a.lease); err != nil && !errors.Is(err, tandem.ErrFenced) {
		a.log.Warn("lease not released", "error", err)
	}
	a.lease = tandem.Lease{}
}

// post posts what is due. One address that does not answer holds up no other.
func (a *alerts) post(ctx context.Context) {
	due, err := a.store.Alerts(ctx, time.Now(), alertsAtOnce)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("alerts not read", "error", err)
		}
		return
	}
	var posting sync.WaitGroup
	for _, alert := range due {
		posting.Go(func() { a.postOne(ctx, alert) })
	}
	posting.Wait()
}

// postOne posts an alert, and forgets it when it arrived or is too old to be of use. One that was cut off by a shutdown stays
// due.
func (a *alerts) postOne(ctx context.Context, alert tandem.Alert) {
	address := alert.URL
	if address == "" {
		address = a.url
	}
	log := a.log.With("link", alert.Link, "event", alert.Event)
	err := a.send(ctx, address, alert)
	next := time.Now().Add(pause(alert.Attempts))
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && address != "":
		log.Info("alert posted", "host", hostOf(address))
	case err != nil && next.Sub(alert.At) > alertKeep:
		log.Error("alert given up", "host", hostOf(address), "error", err)
	case err != nil:
		log.Warn("alert not posted", "host", hostOf(address), "error", err, "retry_at", next)
		if err := a.store.AlertFailed(ctx, alert.ID, next); err != nil {
			log.Warn("alert not put off", "error", err)
		}
		return
	}
	if err := a.store.AlertDone(ctx, alert.ID); err != nil {
		log.Warn("alert will be posted again", "error", err)
	}
}

// pause is how long to wait after an attempt that failed.
func pause(attempts int) time.Duration {
	return min(alertsEvery<<min(attempts, 20), alertMaxWait)
}

// alertBody is what is posted.
type alertBody struct {
	Link    string    `json:"link"`
	Event   string    `json:"event"`
	Reason  string    `json:"reason,omitempty"` // of a halt
	Message string    `json:"message"`
	Time    time.Time `json:"time"`
}

// send posts alert; "" is nowhere. The answer's status counts, its body does not. Errors do not name the address, which may
// hold a password.
func (a *alerts) send(ctx context.Context, address string, alert tandem.Alert) error {
	if address == "" {
		return nil
	}
	body, err := json.Marshal(alertBody{Link: "links/" + alert.Link, Event: alert.Event, Reason: alert.Reason, Message: alert.Message, Time: alert.At.UTC()})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be understood")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tandem")
	response, err := a.client.Do(request)
	var named *url.Error
	if errors.As(err, &named) {
		err = named.Err
	}
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	return nil
}

// hostOf is all that is logged of an address.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Host
}
