package emulator

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// importedTimeZone is what Google gives a spreadsheet that it makes from an uploaded file.
const importedTimeZone = "America/Los_Angeles"

// upload is the content of an upload call and, for multipart, the file's metadata before it.
type upload struct {
	metadata object
	kind     string
	content  []byte
}

func (c *call) upload() (upload, error) {
	out := upload{metadata: object{}, content: c.payload}
	kind, params, err := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if err != nil {
		kind = "application/octet-stream"
	}
	out.kind = kind
	switch how := c.query.Get("uploadType"); how {
	case "media":
		return out, nil
	case "multipart":
	default:
		return out, unsupported("An upload of type %q", how)
	}
	parts := multipart.NewReader(bytes.NewReader(c.payload), params["boundary"])
	for i := range 2 {
		part, err := parts.NextPart()
		if err != nil {
			return out, driveError(http.StatusBadRequest, "badContent", "", "Malformed multipart body.")
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return out, driveError(http.StatusBadRequest, "badContent", "", "Malformed multipart body.")
		}
		if i == 1 {
			out.kind, out.content = part.Header.Get("Content-Type"), body
			continue
		}
		if err := json.Unmarshal(body, &out.metadata); err != nil {
			return out, driveError(http.StatusBadRequest, "parseError", "", "Parse Error")
		}
	}
	return out, nil
}

// importCSV makes a spreadsheet what an uploaded CSV holds: one tab, titled as the file, typed as if by hand.
func (e *Emulator) importCSV(d *document, u upload) error {
	if kind, _, _ := strings.Cut(u.kind, ";"); kind != "text/csv" && kind != "text/plain" && kind != "application/octet-stream" {
		return unsupported("Importing a file of type %s", u.kind)
	}
	reader := csv.NewReader(bytes.NewReader(u.content))
	reader.FieldsPerRecord = -1
	reader.LazyQuotes = true
	records, err := reader.ReadAll()
	if err != nil {
		return driveError(http.StatusBadRequest, "badRequest", "", "Bad Request")
	}
	_, err = d.change(func(b *book) error {
		b.sheets, b.names, b.metadata = nil, nil, nil
		b.props = copyObject(b.props)
		b.props["timeZone"] = importedTimeZone
		s, err := b.addSheet(object{"title": text(b.props, "title")}, false)
		if err != nil {
			return err
		}
		for r, record := range records {
			if err := b.growTo(s, r+1, len(record)); err != nil {
				return err
			}
			for c, field := range record {
				if err := b.enter(s, r, c, field, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return err
}

func (c *call) uploadFile() (any, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	if text(u.metadata, "mimeType") != spreadsheetType {
		return nil, unsupported("Uploading a file that is not to be a spreadsheet")
	}
	r := c.newFile(u.metadata, text(u.metadata, "name"))
	c.params["fileId"] = text(r, "id")
	if err := c.emulator.importCSV(c.emulator.document(c.params["fileId"]), u); err != nil {
		return nil, err
	}
	return c.getFile()
}

func (c *call) uploadContent() (any, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	d := c.emulator.document(c.params["fileId"])
	if d == nil {
		return nil, fileNotFound(c.params["fileId"])
	}
	if err := c.rename(text(u.metadata, "name")); err != nil {
		return nil, err
	}
	if err := c.emulator.importCSV(d, u); err != nil {
		return nil, err
	}
	return c.getFile()
}

// exportFile writes the first tab as CSV, as Google does.
func (c *call) exportFile() (any, error) {
	d := c.emulator.document(c.params["fileId"])
	if d == nil {
		return nil, fileNotFound(c.params["fileId"])
	}
	kind := c.query.Get("mimeType")
	if kind != "text/csv" && kind != "text/tab-separated-values" {
		return nil, unsupported("files.export to %q", kind)
	}
	b := d.state()
	s := b.sheets[0]
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if kind != "text/csv" {
		w.Comma = '\t'
	}
	width := 0
	for r := range s.data {
		width = max(width, trimmed(s.line(r), 0, s.cols, shown))
	}
	for r := range s.lastRow() {
		record := make([]string, width)
		for i := range record {
			record[i] = b.display(s.at(r, i))
		}
		if err := w.Write(record); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return plain{kind, strings.TrimSuffix(out.String(), "\r\n")}, nil
}
