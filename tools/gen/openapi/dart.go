package main

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What the Dart generators of openapi-generator (dart, dart-dio) stumble over. Dart itself does not run here, so that
// these rules stand in for compiling what they generate.
var (
	className    = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(_[A-Z][A-Za-z0-9]*)*$`)
	memberName   = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	constantName = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`) // kept as it is, so that `NEW` is not the keyword `new`

	// keywords are Dart's reserved words.
	keywords = strings.Fields("assert await break case catch class const continue default do else enum extends false final " +
		"finally for if in is new null rethrow return super switch this throw true try var void while with yield")
	// members are what every object and built_value's classes have already.
	members = strings.Fields("hashCode runtimeType toString noSuchMethod serializer rebuild toBuilder build replace update")
	// arguments are what every generated call takes already.
	arguments = strings.Fields("cancelToken headers extra validateStatus onSendProgress onReceiveProgress")
	// constants are what every EnumClass of built_value has.
	constants = strings.Fields("values valueOf name index hashCode serializer")
	// classes are those of dart:core that generated code names itself.
	classes = strings.Fields("bool int num double String List Map Set Object DateTime Duration Error Exception Function Future " +
		"Iterable Null Record Stream Symbol Type Uri Enum Response Options Dio Serializer Serializers JsonObject Date " +
		"BuiltList BuiltMap BuiltSet")

	// newer are keywords of JSON Schema that OpenAPI 3.0 does not know.
	newer = strings.Fields("const $defs if then else prefixItems patternProperties propertyNames contains dependentSchemas " +
		"unevaluatedProperties unevaluatedItems contentEncoding contentMediaType examples")
	unions = strings.Fields("oneOf anyOf not discriminator")
	types  = strings.Fields("string number integer boolean array object")
)

type reporter func(format string, args ...any)

// checkClients reports what a generated client would not compile with, or would lose values by.
func checkClients(document *yaml.Node, report reporter) {
	if version := text(document, "openapi"); !strings.HasPrefix(version, "3.0.") {
		report("openapi is %s: generators know 3.0", version)
	}
	files := map[string]string{}
	for name, schema := range pairs(get(document, "components", "schemas")) {
		class := strings.ReplaceAll(name, "_", "")
		if !className.MatchString(name) || slices.Contains(classes, class) {
			report("schema %s: not a name for a class", name)
		}
		if other, ok := files[strings.ToLower(class)]; ok {
			report("schemas %s and %s become the same class", other, name)
		}
		files[strings.ToLower(class)] = name
		if text(schema, "type") != "object" || get(schema, "properties") == nil {
			report("schema %s: a class needs type object and properties; state anything else where it is used", name)
		}
	}
	for node := range mappings(document) {
		if strings.Contains(text(node, "description"), "*/") {
			report("line %d: the description ends the comment that it becomes", node.Line)
		}
	}
	for at, schema := range inOrder(schemasOf(document)) {
		checkSchema(at, schema, report)
	}
	for path, item := range pairs(get(document, "paths")) {
		for verb, operation := range pairs(item) {
			checkOperation(verb+" "+path, operation, report)
		}
	}
}

// checkSchema looks at one schema, not at those within it.
func checkSchema(at string, schema *yaml.Node, report reporter) {
	for key := range pairs(schema) {
		if slices.Contains(newer, key) {
			report("%s: %s is not of OpenAPI 3.0", at, key)
		}
		if slices.Contains(unions, key) {
			report("%s: %s, which Dart has no type for", at, key)
		}
	}
	kind, allOf := get(schema, "type"), get(schema, "allOf")
	switch {
	case text(schema, "$ref") != "":
		return
	case allOf != nil:
		if len(allOf.Content) != 1 || text(allOf.Content[0], "$ref") == "" || get(schema, "properties") != nil || kind != nil {
			report("%s: allOf may only stand round one $ref", at)
		}
		return
	case kind == nil:
		if get(schema, "nullable") != nil || get(schema, "format") != nil || get(schema, "enum") != nil || get(schema, "properties") != nil {
			report("%s: has no type; without one it may only say that any value may stand there", at)
		}
		return
	case kind.Kind != yaml.ScalarNode || !slices.Contains(types, kind.Value):
		report("%s: type is not one of OpenAPI 3.0", at)
		return
	}
	checkType(at, schema, report)
}

// checkType looks at what goes with a schema's type.
func checkType(at string, schema *yaml.Node, report reporter) {
	kind, format, values := text(schema, "type"), text(schema, "format"), get(schema, "additionalProperties")
	switch {
	case kind == "array" && get(schema, "items") == nil:
		report("%s: an array without items", at)
	case kind == "object" && get(schema, "properties") == nil && values == nil:
		report("%s: an object that says neither properties nor additionalProperties", at)
	case kind == "object" && get(schema, "properties") != nil && values != nil:
		report("%s: properties and additionalProperties: a class drops what it does not name", at)
	case kind == "object" && get(schema, "properties") != nil && strings.ContainsAny(at, ".[{ "):
		report("%s: a class without a name: put it under components", at)
	case kind == "object" && values != nil && values.Value != "true" && text(values, "$ref") == "":
		report("%s: additionalProperties: true, which lets any value and NULL in, or a named schema", at)
	case (kind == "integer" || kind == "number") && format == "int64", kind == "integer" && format == "uint64":
		report("%s: 64-bit numbers lose digits in JSON: a string", at)
	}
	for name := range pairs(get(schema, "properties")) {
		if !memberName.MatchString(name) || slices.Contains(keywords, name) || slices.Contains(members, name) {
			report("%s.%s: not a name for a member", at, name)
		}
	}
	constantsOf := get(schema, "enum")
	if constantsOf != nil && kind != "string" {
		report("%s: an enum that is no string", at)
	}
	seen := map[string]bool{}
	for _, value := range sequence(constantsOf) {
		if !constantName.MatchString(value.Value) || seen[value.Value] || slices.Contains(constants, value.Value) {
			report("%s: %q is not a name for a constant, or stands twice", at, value.Value)
		}
		seen[value.Value] = true
	}
}

// checkOperation looks at what becomes a method.
func checkOperation(at string, operation *yaml.Node, report reporter) {
	if id := text(operation, "operationId"); !memberName.MatchString(id) || slices.Contains(keywords, id) || slices.Contains(members, id) {
		report("%s: operation id %q is not a name for a method", at, id)
	}
	if tags := sequence(get(operation, "tags")); len(tags) != 1 {
		report("%s: has %d tags: each makes a class with the same method", at, len(tags))
	}
	taken := map[string]bool{}
	if body := get(operation, "requestBody"); body != nil {
		ref := text(body, "content", "application/json", "schema", "$ref")
		if ref == "" || len(get(body, "content").Content) != 2 {
			report("%s: the body must be JSON of a named schema", at)
		}
		name := strings.ToLower(strings.TrimPrefix(ref, schemaPath))
		if own := text(operation, "x-codegen-request-body-name"); own != "" {
			name = own
		}
		taken[strings.ReplaceAll(name, "_", "")] = true
	}
	for _, parameter := range sequence(get(operation, "parameters")) {
		name := text(parameter, "name")
		if !memberName.MatchString(name) || slices.Contains(keywords, name) || slices.Contains(arguments, name) {
			report("%s: parameter %q is not a name for a parameter", at, name)
		}
		if taken[strings.ToLower(name)] {
			report("%s: two parameters %q", at, name)
		}
		taken[strings.ToLower(name)] = true
		if kind := text(parameter, "schema", "type"); !slices.Contains([]string{"string", "integer", "boolean"}, kind) {
			report("%s: parameter %q is of type %q, which has no single form in a URL", at, name, kind)
		}
	}
	for code, response := range pairs(get(operation, "responses")) {
		for kind, media := range pairs(get(response, "content")) {
			if kind == "application/json" && text(media, "schema", "$ref") == "" {
				report("%s: the answer %s must be of a named schema", at, code)
			}
		}
	}
}
