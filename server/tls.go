package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificateEvery is how often the files are looked at. They are small, and a look at their content misses nothing that a look
// at their times could: files that are replaced by links, or within one tick of the clock.
const certificateEvery = 2 * time.Second

// certificate is the pair of files that the server shows who it is with. Connections that come after the files changed get
// the new one; those that are open stay.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	cert, key         []byte // as last read, whether they were any good
}

// openCertificate returns nil when no files are named.
func openCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if _, err := c.load(); err != nil {
		return nil, fmt.Errorf("tls-cert-file and tls-key-file: %w", err)
	}
	return c, nil
}

// load reads the files and takes them when they are new and belong together. What is no good leaves what is there.
func (c *certificate) load() (changed bool, err error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, err
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, err
	}
	if bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	c.cert, c.key = cert, key
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return false, err
		}
	}
	c.current.Store(&pair)
	return true, nil
}

// follow takes new files until ctx ends. Files that are half written are read again with the next tick.
func (c *certificate) follow(ctx context.Context) {
	ticker := time.NewTicker(certificateEvery)
	defer ticker.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := c.load()
		switch {
		case err != nil && err.Error() != told:
			told = err.Error()
			c.log.Error("new certificate not taken; the one before stays", "error", err)
		case changed:
			told = ""
			c.log.Info("new certificate taken", "expires", c.current.Load().Leaf.NotAfter)
		}
	}
}

// config is for a listener.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}
