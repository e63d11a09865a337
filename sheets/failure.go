package sheets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// ErrUnknownOutcome means that a batch was sent and no answer tells whether it took effect. Settle finds out.
var ErrUnknownOutcome = errors.New("it is not known whether the write took effect")

// translate turns a failure of Google's into one in plain words. Failures of our own making (a context that ended) and
// those that are translated already pass unchanged.
func (c *Client) translate(err error, doing string, args ...any) error {
	doing = fmt.Sprintf(doing, args...)
	var known *tandem.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", doing, c.unreachable(err))
	}
	return fmt.Errorf("%s: %w", doing, c.refusal(answer))
}

func (c *Client) unreachable(err error) *tandem.Error {
	text := err.Error()
	var address *url.Error
	if errors.As(err, &address) {
		text = address.Err.Error() // without the address, which people cannot do anything about
	}
	for _, sign := range []string{"cannot fetch token", "invalid_grant", "credentials:", "could not find default credentials"} {
		if strings.Contains(text, sign) {
			return tandem.Errorf(tandem.CodeUnauthenticated, "GOOGLE_CREDENTIALS", "Google does not accept the credentials: %s", text)
		}
	}
	e := tandem.Errorf(tandem.CodeUnavailable, "GOOGLE_UNREACHABLE", "Google Sheets cannot be reached: %s; try again", text)
	if errors.Is(err, context.DeadlineExceeded) {
		e.Message = "Google Sheets did not answer in time; try again"
	}
	e.RetryAfter = firstPause
	return e
}

func (c *Client) refusal(answer *googleapi.Error) *tandem.Error {
	message := answer.Message
	if message == "" {
		message = http.StatusText(answer.Code)
	}
	switch {
	case answer.Code == http.StatusUnauthorized:
		return tandem.Errorf(tandem.CodeUnauthenticated, "GOOGLE_CREDENTIALS",
			"Google does not accept the credentials (%s); check the service account's key file", message)
	case answer.Code == http.StatusForbidden:
		return c.forbidden(answer, message)
	case answer.Code == http.StatusNotFound:
		return tandem.Errorf(tandem.CodeNotFound, "SPREADSHEET_NOT_FOUND",
			"there is no such spreadsheet, or it was deleted (%s); check its id, the part of its address between /d/ and /edit", message)
	case answer.Code == http.StatusTooManyRequests:
		return outOfQuota(message)
	case answer.Code >= 500 || answer.Code == http.StatusRequestTimeout:
		e := tandem.Errorf(tandem.CodeUnavailable, "GOOGLE_UNAVAILABLE", "Google Sheets is not available (%d: %s); try again", answer.Code, message)
		e.RetryAfter = firstPause
		return e
	}
	return tandem.Errorf(tandem.CodePrecondition, "GOOGLE_REFUSED", "Google refused the request: %s", message)
}

func outOfQuota(message string) *tandem.Error {
	e := tandem.Errorf(tandem.CodeExhausted, "GOOGLE_QUOTA", "Google's limit of calls is used up (%s); it is refilled every minute", message)
	e.RetryAfter = time.Minute
	return e
}

// forbidden explains a 403, which Google answers for different reasons: each is helped by something else.
func (c *Client) forbidden(answer *googleapi.Error, message string) *tandem.Error {
	who := "the account that Tandem uses"
	if c.account != "" {
		who = c.account
	}
	reasons := reasonsOf(answer)
	switch {
	case strings.Contains(reasons, "SERVICE_DISABLED") || strings.Contains(reasons, "accessNotConfigured"):
		return tandem.Errorf(tandem.CodePrecondition, "GOOGLE_API_DISABLED",
			"the Google Sheets API is not enabled in the project of the credentials; enable it there, and wait a few minutes (%s)", message)
	case strings.Contains(reasons, "SCOPE_INSUFFICIENT") || strings.Contains(reasons, "insufficientPermissions"):
		return tandem.Errorf(tandem.CodePrecondition, "GOOGLE_SCOPE",
			"the Google credentials were made without the right to use spreadsheets; make them anew with the scope %s (%s)", api.SpreadsheetsScope, message)
	case strings.Contains(reasons, "ateLimitExceeded") || strings.Contains(reasons, "RATE_LIMIT"):
		return outOfQuota(message)
	}
	return tandem.Errorf(tandem.CodePermission, "GOOGLE_PERMISSION",
		"Google refused access (%s); share the sheet with %s as an editor", message, who)
}

// isBadRequest reports whether Google refused a request as a whole, with text in its message.
func isBadRequest(err error, text string) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code == http.StatusBadRequest && strings.Contains(answer.Message, text)
}

// isUnknownRange reports whether a read failed because no tab has the title any more.
func isUnknownRange(err error) bool {
	return isBadRequest(err, "Unable to parse range") || isBadRequest(err, "exceeds grid limits")
}

// isClean reports whether err says for certain that a write was not applied: Google looked at it and refused.
func isClean(err error) bool {
	if isOutOfBudget(err) {
		return true // it was not sent
	}
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code >= 400 && answer.Code < 500 && answer.Code != http.StatusRequestTimeout &&
		answer.Code != 499 && answer.Code != http.StatusConflict
}

var requestNumber = regexp.MustCompile(`requests\[(\d+)\]`)

// failedRequest returns which request of a batch Google refused the whole batch for, -1 when the message does not say.
func failedRequest(err error) int {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return -1
	}
	found := requestNumber.FindStringSubmatch(answer.Message)
	if found == nil {
		return -1
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return -1
	}
	return n
}

// ownerOf returns the address and the project in a service account's key file, or "".
func ownerOf(path string) (account, project string) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	var key struct {
		Email   string `json:"client_email"`
		Project string `json:"project_id"`
	}
	_ = json.Unmarshal(data, &key)
	return key.Email, key.Project
}
