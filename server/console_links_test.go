package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// TestConsoleLinks makes links in the wizard, with all that can be wrong on the way.
func TestConsoleLinks(t *testing.T) { inLinks(t, "links.mjs") }

// TestConsoleLinkSettings changes a link in its settings: choices, columns, rules, the Apps Script, and its end.
func TestConsoleLinkSettings(t *testing.T) { inLinks(t, "links-settings.mjs") }

func inLinks(t *testing.T, script string) {
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, script, size, func() *world {
				w := newWorld(t, "--poll-interval", "1s", "--public-url", "https://tandem.example.com", "--google-credentials-file", serviceAccount(t, robot))
				fillShows(w)
				w.start()
				return w
			})
		})
	}
}

// serviceAccount makes a service account's key file, as Google hands them out.
func serviceAccount(t *testing.T, address string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "example", "private_key_id": "1", "client_id": "1", "client_email": address,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "token_uri": "https://oauth2.googleapis.com/token"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
