package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// parameters are what each call of the REST API takes in the query, by method and pattern. The gateway overlooks the others, and
// all of those of calls whose body is the whole request: a misspelled validateOnly would carry out what was only to be tried.
type parameters map[string]taken

// taken is what one call takes: the fields of its request, without those that the path and the body hold.
type taken struct {
	request  protoreflect.MessageDescriptor
	path     []string
	body     protoreflect.Name // of the field that is the body, if any
	bodyOnly bool              // the body is the whole request
}

// newParameters reads them from the contract. The paths of operations are set apart from their own, see tools/gen.
func newParameters() parameters {
	list := (&longrunningpb.ListOperationsRequest{}).ProtoReflect().Descriptor()
	wait := (&longrunningpb.WaitOperationRequest{}).ProtoReflect().Descriptor()
	cancel := (&longrunningpb.CancelOperationRequest{}).ProtoReflect().Descriptor()
	get := (&longrunningpb.GetOperationRequest{}).ProtoReflect().Descriptor()
	all := parameters{
		"GET /v1/{name=operations}":           {request: list, path: []string{"name"}},
		"GET /v1/{name=operations/*}":         {request: get, path: []string{"name"}},
		"POST /v1/{name=operations/*}:cancel": {request: cancel, bodyOnly: true},
		"POST /v1/{name=operations/*}:wait":   {request: wait, bodyOnly: true},
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(tandemv1.File_tandem_v1_link_service_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for n := range methods.Len() {
				all.add(methods.Get(n))
			}
		}
		return true
	})
	return all
}

func (p parameters) add(method protoreflect.MethodDescriptor) {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		var verb, path string
		switch pattern := rule.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			verb, path = http.MethodGet, pattern.Get
		case *annotations.HttpRule_Post:
			verb, path = http.MethodPost, pattern.Post
		case *annotations.HttpRule_Patch:
			verb, path = http.MethodPatch, pattern.Patch
		case *annotations.HttpRule_Delete:
			verb, path = http.MethodDelete, pattern.Delete
		}
		one := taken{request: method.Input(), body: protoreflect.Name(rule.GetBody()), bodyOnly: rule.GetBody() == "*"}
		for _, part := range strings.Split(path, "{")[1:] {
			name, _, _ := strings.Cut(part, "=")
			one.path = append(one.path, name)
		}
		p[verb+" "+path] = one
	}
}

// check lets only requests through whose parameters the call takes.
func (p parameters) check(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, path map[string]string) {
		pattern, _ := runtime.HTTPPattern(r.Context())
		if tried, _ := r.Context().Value(triedKey{}).(*tried); tried != nil {
			tried.pattern = &pattern
			return
		}
		if call, known := p[r.Method+" "+pattern.String()]; known && r.URL.RawQuery != "" {
			if err := call.check(r.URL.RawQuery); err != nil {
				writeError(r.Context(), nil, nil, w, r, err)
				return
			}
		}
		next(w, r, path)
	}
}

// check says which parameter of a query the call does not take.
func (t *taken) check(query string) error {
	given, err := url.ParseQuery(query)
	if err != nil {
		return tandem.InvalidField("query", "it cannot be read: %v; percent-encode what is not a letter, a digit or one of -._~", err)
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !t.takes(name) {
			return tandem.InvalidField(strings.ToValidUTF8(name, "\uFFFD"), "%s", t.instead(name))
		}
	}
	return nil
}

// takes reports whether a parameter, spelled as in the contract or as in JSON, is one of the call.
func (t *taken) takes(name string) bool {
	if t.bodyOnly {
		return false
	}
	in, path := t.request, ""
	for i, part := range strings.Split(name, ".") {
		field := fieldNamed(in, part)
		if field == nil || i == 0 && field.Name() == t.body {
			return false
		}
		path = strings.TrimPrefix(path+"."+string(field.Name()), ".")
		in = field.Message()
		if in == nil || field.IsList() || field.IsMap() {
			in = noFields
		}
	}
	return !slices.Contains(t.path, path)
}

var noFields = (&tandemv1.GetQuotaRequest{}).ProtoReflect().Descriptor()

func fieldNamed(in protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := in.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return in.Fields().ByJSONName(name)
}

// instead says what a caller may have meant by a parameter that the call does not take.
func (t *taken) instead(name string) string {
	first, _, _ := strings.Cut(name, ".")
	field := fieldNamed(t.request, first)
	switch {
	case field != nil && (t.bodyOnly || field.Name() == t.body):
		return "this call takes it in the body, as JSON, and not in the query"
	case t.bodyOnly:
		return "this call takes nothing in the query; what it takes stands in the body, as JSON"
	case field != nil && slices.Contains(t.path, string(field.Name())):
		return "it stands in the path, and not in the query"
	}
	snake := strings.Contains(name, "_")
	var all []string
	nearest, least := "", min(max(2, len(name)/3), 4)+1
	for i := range t.request.Fields().Len() {
		field := t.request.Fields().Get(i)
		if !t.takes(string(field.Name())) {
			continue
		}
		shown := field.JSONName()
		if snake {
			shown = string(field.Name())
		}
		all = append(all, shown)
		if distance := apart(folded(name), folded(shown)); distance < least {
			nearest, least = shown, distance
		}
	}
	switch {
	case nearest != "":
		return "there is no such parameter; did you mean " + nearest + "?"
	case len(all) == 0:
		return "there is no such parameter; this call takes none"
	}
	return "there is no such parameter; this call takes " + strings.Join(all, ", ")
}

func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// apart is by how many letters two names differ.
func apart(a, b string) int {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := range len(a) {
		diagonal := before[0]
		before[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = before[j+1]
			before[j+1] = min(change, before[j]+1, before[j+1]+1)
		}
	}
	return before[len(b)]
}
