package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/api"
	"github.com/tandem-sync/tandem/server/appsscript"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// hookPath is where spreadsheets tell of edits; the link's id follows.
const hookPath = "/hooks/sheets/"

// Limits of a hint. It is taken for hintWindow before and after its timestamp, for clocks differ; the store remembers its
// signature for longer than that. A body of hintRows row numbers is well below hintBytes.
const (
	hintWindow = 5 * time.Minute
	hintBytes  = 64 << 10
	hintRows   = 1000
	hintRead   = 10 * time.Second
)

// isHook reports whether a request goes to a hook. Such requests come from anywhere, and are known by their signature alone.
func isHook(r *http.Request) bool { return strings.HasPrefix(r.URL.EscapedPath(), hookPath) }

// errUnsigned is why a hint is not taken, whatever the reason: nobody can find out here which links there are.
var errUnsigned = errors.New("hint is not signed as it must be")

// takeHint answers POST /hooks/sheets/{link}. A hint says that a tab changed, and perhaps in which rows. It is never data:
// the rows are read, and one that is lost, late, doubled or made up changes nothing but when.
func (b *backend) takeHint(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		noSuchPath(w, r, http.StatusMethodNotAllowed)
		return
	}
	link, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), hookPath))
	if err != nil || link == "" || strings.Contains(link, "/") {
		noSuchPath(w, r, http.StatusNotFound)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(hintRead))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hintBytes))
	if err != nil {
		writeStatus(w, http.StatusRequestEntityTooLarge, status.Newf(codes.InvalidArgument, "a hint has at most %d bytes", hintBytes))
		return
	}
	mark, err := b.checkHint(r, link, body)
	b.answerHint(w, r, link, mark, err)
}

// checkHint takes a hint in when it is signed as it must be, and was not seen before.
func (b *backend) checkHint(r *http.Request, link string, body []byte) (mark tandem.Mark, err error) {
	secret, err := b.Store.KnownHookSecret(r.Context(), link)
	if err != nil && !errors.Is(err, tandem.ErrNotFound) {
		return mark, err
	}
	now := time.Now()
	signature, err := signatureOf(r.Header, secret, body, now)
	if err != nil {
		return mark, err
	}
	if mark, err = readHint(body, now); err != nil {
		return mark, err
	}
	fresh, err := b.Store.AddHint(r.Context(), link, signature, mark)
	if err == nil && !fresh {
		err = fmt.Errorf("%w: it was seen before", errUnsigned)
	}
	return mark, err
}

func (b *backend) answerHint(w http.ResponseWriter, r *http.Request, link string, mark tandem.Mark, err error) {
	switch {
	case err == nil:
		b.log.Info("hint", "link", link, "rows", len(mark.Rows))
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, errUnsigned), errors.Is(err, tandem.ErrNotFound):
		b.log.Info("hint refused", "error", err)
		writeStatus(w, http.StatusUnauthorized, status.New(codes.Unauthenticated,
			"the hint is not signed with the link's secret, is too old, or was seen before; install the script of /v1/links/{link}/appsScript anew"))
	default:
		if api.Status(err).Code() == codes.Internal {
			b.log.Error("hint not taken", "link", link, "error", err)
		}
		writeError(r.Context(), nil, nil, w, r, err)
	}
}

// signatureOf returns the signature of a hint, in one spelling, when it is the right one. A link that is not there, or
// has no secret yet, takes as long as one that has.
func signatureOf(header http.Header, secret string, body []byte, now time.Time) (string, error) {
	known := secret != ""
	stamp := header.Get("X-Tandem-Timestamp")
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "%s.%s", stamp, body)
	want := hex.EncodeToString(mac.Sum(nil))
	given := strings.ToLower(strings.TrimPrefix(header.Get("X-Tandem-Signature"), "sha256="))
	if !hmac.Equal([]byte(want), []byte(given)) || !known {
		return "", errUnsigned
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if away := now.Sub(time.Unix(seconds, 0)).Abs(); err != nil || away > hintWindow {
		return "", fmt.Errorf("%w: its timestamp is %s away from this server's clock", errUnsigned, away.Round(time.Second))
	}
	return want, nil
}

// readHint reads the body of a hint. An empty one is a hint, too: something changed.
func readHint(body []byte, now time.Time) (tandem.Mark, error) {
	mark := tandem.Mark{Source: tandem.Sheet, Cause: tandem.CauseSheet}
	if len(body) == 0 {
		return mark, nil
	}
	var hint struct {
		Rows []int      `json:"rows"`
		At   *time.Time `json:"at"`
		User string     `json:"user"`
	}
	if err := json.Unmarshal(body, &hint); err != nil {
		return mark, tandem.InvalidField("body", "a hint is a JSON object such as {\"rows\":[2,3],\"at\":\"2026-11-21T07:00:00Z\",\"user\":\"ann@example.com\"}: %v", err)
	}
	for i, row := range hint.Rows {
		if row < 1 {
			return mark, tandem.InvalidField(fmt.Sprintf("rows[%d]", i), "%d is not the number of a row; they count from 1", row)
		}
	}
	if len(hint.Rows) <= hintRows { // more are the whole tab
		mark.Rows = hint.Rows
	}
	if strings.HasPrefix(hint.User, tandem.ActorPrefix) {
		return mark, tandem.InvalidField("user", "%q is how history calls tokens; say who edited the sheet", tandem.ActorPrefix)
	}
	mark.Actor = hint.User
	if hint.At == nil {
		return mark, nil
	}
	if hint.At.Year() < 2000 {
		return mark, tandem.InvalidField("at", "%s is no time at which somebody edited a sheet", hint.At.Format(time.RFC3339))
	}
	// Clocks differ, and nobody may date an edit later than everything else.
	mark.At = *hint.At
	if mark.At.After(now) {
		mark.At = now
	}
	return mark, nil
}

// AppsScript returns the script of a link, filled in.
func (b *backend) AppsScript(ctx context.Context, link *tandem.Link) (api.AppsScript, error) {
	if b.publicURL == "" {
		return api.AppsScript{}, tandem.Errorf(tandem.CodePrecondition, "NO_PUBLIC_URL",
			"the server does not know at which address Google reaches it: start it with --public-url https://…, which leads to its HTTP address")
	}
	secret, err := b.Store.HookSecret(ctx, link.ID)
	if err != nil {
		return api.AppsScript{}, err
	}
	script, err := appsscript.Fill(appsscript.Settings{Link: link.ID, URL: b.publicURL + hookPath + url.PathEscape(link.ID), Secret: secret,
		SpreadsheetID: link.SpreadsheetID, SheetID: link.SheetID, Tab: link.Tab, HeaderRow: max(link.HeaderRow, 1), MaxRows: hintRows})
	return api.AppsScript(script), err
}
