package main

import (
	"iter"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// parameters says what stands for the placeholders of paths.
var parameters = map[string]string{
	"link":        "Id of the link.",
	"source":      "Side of the link: `database` or `sheet`.",
	"row":         "The row's key: its text; several key columns are joined by `~` (a `~` inside a value is `~0`). Percent-encoded once in the URL, it is the last part of the row's `name`.",
	"table":       "Name of the table.",
	"spreadsheet": "Id of the spreadsheet, the part of its address between `/d/` and `/edit`.",
	"operation":   "Id of the operation.",
	"conflict":    "Key of the row in conflict, as `{row}` in the paths of rows. Percent-encoded once in the URL, it is the last part of the conflict's `name`.",
	"token":       "Id of the token.",
}

// explanations are for google.longrunning.Operations, whose descriptors carry no comments: path of keys -> description.
var explanations = map[string]string{
	"paths//v1/operations/get":                     "Lists the operations that are kept, the latest first.",
	"paths//v1/operations/{operation}/get":         "Returns one operation: how far it is, or how it ended.",
	"paths//v1/operations/{operation}:cancel/post": "Asks an operation to stop. It ends soon after with the error CANCELLED, unless it was finished before.",
	"paths//v1/operations/{operation}:wait/post":   "Returns the operation when it is done, or as it is when `timeout` has passed.",

	"components/schemas/Operation":                                    "Work that goes on after its call was answered.",
	"components/schemas/Operation/properties/name":                    "Resource name, `operations/{operation}`.",
	"components/schemas/Operation/properties/metadata":                "How far it is: with `@type` `type.googleapis.com/tandem.v1.InitialSyncMetadata`, the fields of InitialSyncMetadata.",
	"components/schemas/Operation/properties/done":                    "Whether it has ended. Then either `error` or `response` is there.",
	"components/schemas/Operation/properties/error":                   "Why it failed, or that it was cancelled.",
	"components/schemas/Operation/properties/response":                "Its result: with `@type` `type.googleapis.com/tandem.v1.InitialSyncResponse`, the fields of InitialSyncResponse.",
	"components/schemas/ListOperationsResponse":                       "Response of Operations.ListOperations.",
	"components/schemas/CancelOperationRequest":                       "Request of Operations.CancelOperation.",
	"components/schemas/WaitOperationRequest":                         "Request of Operations.WaitOperation.",
	"components/schemas/WaitOperationRequest/properties/timeout":      "How long to wait at most, such as `30s`. Absent: as long as the server allows.",
	"components/schemas/Status/properties/code":                       "Code of `google.rpc.Code`, such as 3 for INVALID_ARGUMENT.",
	"components/schemas/Status/properties/message":                    "What happened and what to do.",
	"components/schemas/Status/properties/details":                    "More about it, such as `google.rpc.BadRequest` with the fields concerned, `google.rpc.ErrorInfo`, `google.rpc.RetryInfo`.",
	"components/schemas/Status":                                       "An error.",
	"components/schemas/ListOperationsResponse/properties/operations": "The operations, the latest first.",
}

// listing explains the parameters of google.longrunning.Operations.ListOperations; the others do nothing here.
var listing = map[string]string{
	"filter":    "Which operations: comparisons of `link` and `done` by `=`, with `AND` between them, such as `link = \"links/anime\" AND done = false`. Empty: all.",
	"pageSize":  "How many operations to return at most, up to 1000; more counts as 1000. 0: 50.",
	"pageToken": "`nextPageToken` of the answer before. Empty: the first page.",
}

// finish corrects gnostic's document.
func finish(document *yaml.Node, files []*protogen.File) {
	paths, schemas := get(document, "paths"), get(document, "components", "schemas")
	for path := range pairs(clone(paths)) {
		if strings.HasPrefix(path, resultPath) {
			remove(paths, path)
		}
	}
	operations := byID(document)
	for method, rule := range routes(files) {
		if operation := operations[gnosticID(method)]; operation != nil {
			finishOperation(operation, schemas, method, rule)
			if method.Desc.IsStreamingServer() {
				stream(operation)
			}
		}
	}
	for node := range mappings(document) {
		if text := text(node, "description"); strings.Contains(text, "\n ") {
			set(node, "description", strings.ReplaceAll(text, "\n ", "\n")) // the blank after `//`
		}
		if text(node, "format") == "enum" {
			remove(node, "format") // not a format that clients know
		}
	}
	for _, schema := range pairs(schemas) {
		for _, property := range pairs(get(schema, "properties")) {
			if text(property, "type") == "object" && get(property, "additionalProperties") == nil {
				set(property, "additionalProperties", true) // a Struct: any JSON object
			}
		}
	}
	plainTypes(document)
	describeServer(document)
	explain(document)
}

// finishOperation names the operation after its method alone, and makes its parameters and body as the gateway takes them.
func finishOperation(operation, schemas *yaml.Node, method *protogen.Method, rule *annotations.HttpRule) {
	set(operation, "operationId", strings.ToLower(method.GoName[:1])+method.GoName[1:])
	for _, parameter := range sequence(get(operation, "parameters")) {
		name := text(parameter, "name")
		if text(parameter, "in") == "path" {
			set(parameter, "description", parameters[name])
			continue
		}
		for _, field := range method.Input.Fields {
			if field.Desc.JSONName() == name && required(field.Desc) {
				set(parameter, "required", true)
			}
		}
	}
	body := get(operation, "requestBody", "content", "application/json", "schema")
	nameBody(operation, path.Base(text(body, "$ref")))
	schema := get(schemas, path.Base(text(body, "$ref")))
	switch {
	case schema == nil:
	case rule.Body == "*": // what the path says is not said again in the body
		bound, _, _ := strings.Cut(rule.GetPost(), "=")
		_, bound, _ = strings.Cut(bound, "{")
		remove(get(schema, "properties"), bound)
		drop(schema, "required", bound)
		if get(schema, "required") == nil {
			set(get(operation, "requestBody"), "required", false)
		}
	case rule.GetPatch() != "": // a change need not send what making one needs
		remove(schema, "required")
	}
}

// explain adds what gnostic could not know.
func explain(document *yaml.Node) {
	for keys, description := range explanations {
		node := document
		if route, ok := strings.CutPrefix(keys, "paths/"); ok {
			node = get(document, "paths", path.Dir(route), path.Base(route))
		} else {
			node = get(document, strings.Split(keys, "/")...)
		}
		if node == nil {
			continue
		}
		if ref := text(node, "$ref"); ref != "" { // what stands beside a $ref is ignored
			remove(node, "$ref")
			set(node, "allOf", []map[string]string{{"$ref": ref}})
		}
		set(node, "description", description)
	}
	for _, tag := range sequence(get(document, "tags")) {
		if text(tag, "name") == "Operations" {
			set(tag, "description", "Work that goes on after its call was answered, such as an initial sync.")
		}
	}
	list := get(document, "paths", "/v1/operations", "get", "parameters")
	if list != nil {
		list.Content = slices.DeleteFunc(list.Content, func(parameter *yaml.Node) bool { return listing[text(parameter, "name")] == "" })
	}
	for _, parameter := range sequence(list) {
		set(parameter, "description", listing[text(parameter, "name")])
	}
	for _, item := range pairs(get(document, "paths")) {
		for _, operation := range pairs(item) {
			summary, _, _ := strings.Cut(strings.ReplaceAll(text(operation, "description"), "\n", " "), ". ")
			set(operation, "summary", strings.TrimSuffix(summary, "."))
		}
	}
}

// routes yields the methods that have a REST route.
func routes(files []*protogen.File) iter.Seq2[*protogen.Method, *annotations.HttpRule] {
	return func(yield func(*protogen.Method, *annotations.HttpRule) bool) {
		for _, file := range files {
			if !file.Generate {
				continue
			}
			for _, service := range file.Services {
				for _, method := range service.Methods {
					rule, _ := proto.GetExtension(method.Desc.Options(), annotations.E_Http).(*annotations.HttpRule)
					if rule != nil && !yield(method, rule) {
						return
					}
				}
			}
		}
	}
}

// byID returns the operations of the document by id.
func byID(document *yaml.Node) map[string]*yaml.Node {
	operations := map[string]*yaml.Node{}
	for _, item := range pairs(get(document, "paths")) {
		for _, operation := range pairs(item) {
			if id := text(operation, "operationId"); id != "" {
				operations[id] = operation
			}
		}
	}
	return operations
}

func gnosticID(method *protogen.Method) string { return method.Parent.GoName + "_" + method.GoName }

func required(field protoreflect.FieldDescriptor) bool {
	behavior, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behavior, annotations.FieldBehavior_REQUIRED)
}

// drop takes value out of the list at key, and the key when nothing is left.
func drop(node *yaml.Node, key, value string) {
	list := get(node, key)
	if list == nil {
		return
	}
	list.Content = slices.DeleteFunc(list.Content, func(item *yaml.Node) bool { return item.Value == value })
	if len(list.Content) == 0 {
		remove(node, key)
	}
}

func sequence(node *yaml.Node) []*yaml.Node {
	if node == nil {
		return nil
	}
	return node.Content
}

func clone(node *yaml.Node) *yaml.Node {
	copied := *node
	copied.Content = slices.Clone(node.Content)
	return &copied
}
