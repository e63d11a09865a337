package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem/gen"
	"go.yaml.in/yaml/v3"
)

var (
	//go:embed docs/page.html
	docsPage string
	//go:embed docs/page.css
	docsStyle string
)

// docs returns the page at /docs: the REST API for a person to read, made from the same document that /openapi.yaml
// serves. It has no script, and nothing in it is fetched from anywhere.
func docs() (http.HandlerFunc, error) {
	var document openAPI
	if err := yaml.Unmarshal(gen.OpenAPI, &document); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsPage)
	if err != nil {
		return nil, fmt.Errorf("read the page of the API: %w", err)
	}
	var text bytes.Buffer
	err = page.Execute(&text, map[string]any{"Document": &document, "Style": template.CSS(docsStyle)})
	if err != nil {
		return nil, fmt.Errorf("write the page of the API: %w", err)
	}
	sum := sha256.Sum256([]byte(docsStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	serve := fixed("text/html; charset=utf-8", text.Bytes())
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		serve(w, r)
	}, nil
}

// openAPIDocument serves the document that clients are generated from.
var openAPIDocument = fixed("application/yaml", gen.OpenAPI)

// fixed serves what stays the same while the process runs.
func fixed(kind string, content []byte) http.HandlerFunc {
	sum := sha256.Sum256(content)
	tag := strconv.Quote(base64.RawURLEncoding.EncodeToString(sum[:12]))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("ETag", tag)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// openAPI is as much of the document as the page shows. What is a mapping there keeps its order.
type openAPI struct {
	Info struct {
		Title, Description, Version string
	}
	Tags []struct {
		Name, Description string
	}
	Paths      ordered[ordered[apiOperation]]
	Components struct {
		Schemas ordered[apiSchema]
	}
}

type apiOperation struct {
	Tags                 []string
	OperationID          string `yaml:"operationId"`
	Summary, Description string
	Parameters           []struct {
		Name, In, Description string
		Required              bool
		Schema                apiSchema
	}
	RequestBody *apiContent `yaml:"requestBody"`
	Responses   ordered[apiContent]
}

type apiContent struct {
	Content ordered[struct{ Schema apiSchema }]
}

// Schema is what the content is made of; nil when there is none.
func (c *apiContent) Schema() *apiSchema {
	if c == nil || len(c.Content) == 0 {
		return nil
	}
	return &c.Content[0].Value.Schema
}

type apiSchema struct {
	Ref                  string `yaml:"$ref"`
	Type, Format         string
	Description          string
	ReadOnly             bool `yaml:"readOnly"`
	Enum                 []string
	Items                *apiSchema
	AllOf                []apiSchema `yaml:"allOf"`
	Properties           ordered[apiSchema]
	Required             []string
	AdditionalProperties yaml.Node `yaml:"additionalProperties"`
}

// Of is the name of the schema that this one refers to, be it as what it holds; "" when it refers to none.
func (s *apiSchema) Of() string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case len(s.AllOf) == 1:
		return s.AllOf[0].Of()
	case s.Items != nil:
		return s.Items.Of()
	}
	var values apiSchema
	if s.AdditionalProperties.Kind == yaml.MappingNode && s.AdditionalProperties.Decode(&values) == nil {
		return values.Of()
	}
	return ""
}

// Kind says in words what stands there, beside the name of the schema that it refers to.
func (s *apiSchema) Kind() string {
	switch {
	case s.Items != nil && s.Of() != "":
		return "list of"
	case s.Items != nil:
		return "list of " + s.Items.Kind() + "s"
	case s.AdditionalProperties.Kind == yaml.MappingNode:
		return "object of"
	case s.Of() != "":
		return ""
	case s.Type == "object":
		return "any object"
	case s.Type == "":
		return "any value"
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

// Requires tells whether a property must be sent.
func (s *apiSchema) Requires(property string) bool {
	return slices.Contains(s.Required, property)
}

// ordered is a mapping whose entries keep the order in which they stand.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Key   string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{Key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		*o = append(*o, e)
	}
	return nil
}

// prose turns a description into HTML: paragraphs, lists whose lines begin with `* `, and code between backquotes.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		items, lines := false, strings.Split(paragraph, "\n")
		out.WriteString("<p>")
		for i, line := range lines {
			item, isItem := strings.CutPrefix(line, "* ")
			switch {
			case isItem && !items:
				out.WriteString("</p><ul><li>")
				items = true
			case isItem:
				out.WriteString("</li><li>")
			case i > 0:
				out.WriteByte(' ')
			}
			for j, part := range strings.Split(item, "`") {
				if j%2 == 1 {
					out.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
				} else {
					out.WriteString(template.HTMLEscapeString(part))
				}
			}
		}
		if items {
			out.WriteString("</li></ul>")
		} else {
			out.WriteString("</p>")
		}
	}
	return template.HTML(out.String())
}
