package sheets_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/sheets"
)

// Google answers 403 for different reasons, in the forms of its two generations of APIs. Each is helped by something else.
func TestForbiddenInWords(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(key, []byte(`{"client_email": "robot@shop.iam.gserviceaccount.com"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	info := func(reason string) string {
		return `{"error": {"code": 403, "message": "said", "status": "PERMISSION_DENIED", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "` + reason + `", "domain": "googleapis.com"}]}}`
	}
	listed := func(reason string) string {
		return `{"error": {"code": 403, "message": "said", "errors": [{"message": "said", "domain": "global", "reason": "` + reason + `"}]}}`
	}
	for answer, want := range map[string]struct {
		code         tandem.Code
		reason, says string
	}{
		`{"error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}}`: {tandem.CodePermission, "GOOGLE_PERMISSION",
			"share the sheet with robot@shop.iam.gserviceaccount.com"},
		info("SERVICE_DISABLED"):                {tandem.CodePrecondition, "GOOGLE_API_DISABLED", "enable it there"},
		listed("accessNotConfigured"):           {tandem.CodePrecondition, "GOOGLE_API_DISABLED", "enable it there"},
		info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"): {tandem.CodePrecondition, "GOOGLE_SCOPE", "auth/spreadsheets"},
		listed("insufficientPermissions"):       {tandem.CodePrecondition, "GOOGLE_SCOPE", "auth/spreadsheets"},
		listed("userRateLimitExceeded"):         {tandem.CodeExhausted, "GOOGLE_QUOTA", "refilled every minute"},
		info("RATE_LIMIT_EXCEEDED"):             {tandem.CodeExhausted, "GOOGLE_QUOTA", "refilled every minute"},
		`<html>proxy</html>`:                    {tandem.CodePermission, "GOOGLE_PERMISSION", "share the sheet with"},
	} {
		google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(answer))
		}))
		client, err := sheets.New(t.Context(), sheets.Options{Endpoint: google.URL, CredentialsFile: key})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Spreadsheet(t.Context(), "any")
		google.Close()
		var got *tandem.Error
		if !errors.As(err, &got) || got.Code != want.code || got.Reason != want.reason || !strings.Contains(got.Message, want.says) {
			t.Errorf("%s: got %v, want %s and %q", answer, err, want.reason, want.says)
		}
	}
}

// Who waits only so long is told what is wrong, not that the time is up, while a further try would come too late.
func TestUnreachableBeforeTheDeadline(t *testing.T) {
	google := httptest.NewServer(http.NotFoundHandler())
	google.Close()
	client, err := sheets.New(t.Context(), sheets.Options{Endpoint: google.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err = client.Spreadsheet(ctx, "any")
	if ctx.Err() != nil || !errors.Is(err, tandem.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v; %v", err, ctx.Err())
	}
}
