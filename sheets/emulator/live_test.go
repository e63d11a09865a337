package emulator_test

import (
	"context"
	"net/http"
	"os"
	"testing"

	"golang.org/x/oauth2/google"
)

// liveClient is Google itself when SHEETS_LIVE_CREDENTIALS names a service account's key file, else nil. The
// cases make spreadsheets of their own and delete them.
func liveClient(t *testing.T) (client *http.Client, sheetsBase, driveBase string) {
	t.Helper()
	file := os.Getenv("SHEETS_LIVE_CREDENTIALS")
	if file == "" {
		return nil, "", ""
	}
	key, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	config, err := google.JWTConfigFromJSON(key, "https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive")
	if err != nil {
		t.Fatal(err)
	}
	return config.Client(context.Background()), "https://sheets.googleapis.com", "https://www.googleapis.com"
}
