package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"time"
)

// consoleFiles is the web console: it is served as it lies there, no build makes it.
//
//go:embed console
var consoleFiles embed.FS

// consolePolicy lets the console load what this server serves and talk to it, and nothing else: no script or style stands in the page.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// consoleKinds are the types of files, whatever the machine's own tables say: browsers run no module of another type.
var consoleKinds = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", "": "text/plain; charset=utf-8"}

// consoleFile is a file of the console as it is answered.
type consoleFile struct {
	content []byte
	packed  []byte // in gzip, as small as it gets; nil where that saves nothing
	kind    string
	etag    string
}

// console is the web console at "/", with its parts below "/console/", by path. Browsers ask each time whether a part has changed, so
// that the parts of two versions never mix.
type console map[string]consoleFile

// newConsole packs the files. Where endpoint, which stands in for the Sheets API, is on this machine, as the emulator is, the page
// leads people there to look at a sheet, and not to Google.
func newConsole(endpoint string) (console, error) {
	files, sheets := console{}, onThisMachine(endpoint)
	err := fs.WalkDir(consoleFiles, "console", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := consoleFiles.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "console/index.html" && sheets != "" {
			content = bytes.Replace(content, []byte("<html"), []byte(`<html data-sheets="`+html.EscapeString(sheets)+`"`), 1)
		}
		packed, err := pack(content)
		sum := sha256.Sum256(content)
		files["/"+name] = consoleFile{content, packed, consoleKinds[path.Ext(name)], `"` + hex.EncodeToString(sum[:12]) + `"`}
		return err
	})
	files["/"] = files["/console/index.html"]
	delete(files, "/console/index.html") // its addresses are relative to "/"
	return files, err
}

// onThisMachine returns an address of HTTP on the loopback interface without what may be secret in it, and "" for any other.
func onThisMachine(address string) string {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || !loopback(net.JoinHostPort(at.Hostname(), "0")) {
		return ""
	}
	return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/"}).String()
}

// pack compresses a file once, and better than there is time for while somebody waits. It returns nil where that saves nothing.
func pack(content []byte) ([]byte, error) {
	if len(content) < compressFrom {
		return nil, nil
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = zip.Write(content)
	err = errors.Join(err, zip.Close())
	return out.Bytes(), err
}

func (c console) has(path string) bool {
	_, ok := c[path]
	return ok
}

func (c console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := c[r.URL.Path]
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("ETag", file.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", consolePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	content := file.content
	if file.packed != nil && r.Header.Get("Range") == "" && takesGzip(r.Header.Values("Accept-Encoding")) {
		content = file.packed
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", "W/"+file.etag) // of the same content in other bytes
		h.Add("Vary", "Accept-Encoding")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
