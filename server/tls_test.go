package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/tandem-sync/tandem/server"
)

// pair makes a certificate for this machine, with its key, called name.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// secured is a server with TLS.
type secured struct {
	*testing.T
	s                 *server.Server
	certFile, keyFile string
	log               *lockedBuffer
}

func newSecured(t *testing.T) (*secured, *x509.CertPool) {
	t.Helper()
	folder := t.TempDir()
	c := &secured{T: t, certFile: filepath.Join(folder, "cert.pem"), keyFile: filepath.Join(folder, "key.pem"), log: &lockedBuffer{grew: make(chan struct{}, 1)}}
	cert, key := pair(t, "first")
	c.write(cert, key)
	var err error
	c.s, err = server.New(t.Context(), server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + filepath.Join(folder, "t.db"),
		SheetsEndpoint: "http://127.0.0.1:1/", Auth: server.AuthToken, PollInterval: time.Second, TLSCertFile: c.certFile, TLSKeyFile: c.keyFile},
		slog.New(slog.NewJSONHandler(c.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(cert)
	return c, known
}

func (c *secured) write(cert, key []byte) {
	c.Helper()
	for file, data := range map[string][]byte{c.certFile: cert, c.keyFile: key} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			c.Fatal(err)
		}
	}
}

// shown connects and returns the name in the certificate that an address shows.
func (c *secured) shown(addr string, config *tls.Config) (string, error) {
	config.InsecureSkipVerify = true
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, config)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// awaits waits until both addresses show a certificate of that name, or the log says something.
func (c *secured) awaits(name, line string) {
	c.Helper()
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); c.tick() {
		overHTTP, _ := c.shown(c.s.HTTPAddr(), &tls.Config{})
		overGRPC, _ := c.shown(c.s.GRPCAddr(), &tls.Config{NextProtos: []string{"h2"}})
		last = overHTTP + ", " + overGRPC
		if last == name+", "+name && strings.Contains(c.log.String(), line) {
			return
		}
	}
	c.Fatalf("certificates %s, want %s and %q in the log:\n%s", last, name, line, c.log.String())
}

func TestTLS(t *testing.T) {
	c, known := newSecured(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: known}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	response, err := client.Get("https://" + c.s.HTTPAddr() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("status %d over %s", response.StatusCode, response.Proto)
	}
	conn, err := grpc.NewClient(c.s.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: known})))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	for name, addr := range map[string]string{"HTTP": c.s.HTTPAddr(), "gRPC": c.s.GRPCAddr()} {
		if _, err := c.shown(addr, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
			t.Errorf("%s speaks TLS 1.1", name)
		}
	}
	// Who speaks without TLS gets no answer that a token could be sent after.
	if response, err := http.Get("http://" + c.s.HTTPAddr() + "/healthz"); err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: status %d", response.StatusCode)
		}
	}
}

// New files are taken while the server runs; bad ones are told of, and what was there stays.
func TestCertificateChanges(t *testing.T) {
	t.Parallel()
	c, _ := newSecured(t)
	c.awaits("first", "")
	cert, key := pair(t, "second")
	_, other := pair(t, "third")
	c.write(cert, other)
	c.awaits("first", "new certificate not taken")
	c.write([]byte("no certificate"), key)
	c.awaits("first", "failed to find any PEM data")
	c.write(cert, key)
	c.awaits("second", `"msg":"new certificate taken"`)
	if err := os.Remove(c.certFile); err != nil {
		t.Fatal(err)
	}
	c.awaits("second", "no such file")
	// By links, as a volume of secrets is changed.
	cert, key = pair(t, "fourth")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "cert.pem"), cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "cert.pem"), c.certFile); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.keyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	c.awaits("fourth", "")
	if text := c.log.String(); bytes.Contains([]byte(text), []byte("PRIVATE KEY")) {
		t.Errorf("the log shows a key:\n%s", text)
	}
}

func TestTLSSettings(t *testing.T) {
	folder := t.TempDir()
	cert, _ := pair(t, "a")
	_, key := pair(t, "b")
	file := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile := file("cert.pem", cert), file("key.pem", key)
	for name, c := range map[string]struct{ cert, key, want string }{
		"no key":             {certFile, "", "belong together"},
		"no certificate":     {"", keyFile, "belong together"},
		"key of another one": {certFile, keyFile, "does not match"},
		"missing file":       {certFile, filepath.Join(folder, "nothing.pem"), "nothing.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := server.New(t.Context(), server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "t.db"),
				SheetsEndpoint: "http://127.0.0.1:1/", Auth: server.AuthToken, PollInterval: time.Second, TLSCertFile: c.cert, TLSKeyFile: c.key}, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// tick waits for the log to grow, or a moment.
func (c *secured) tick() {
	select {
	case <-c.log.grew:
	case <-time.After(20 * time.Millisecond):
	}
}
