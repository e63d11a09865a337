package main

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plainTypes takes protobuf's wrappers out of the document. A generator makes a class of a named schema that can hold
// anything, and such a class holds nothing: where any value may stand, the schema says so in its place.
func plainTypes(document *yaml.Node) {
	schemas := get(document, "components", "schemas")
	for _, schema := range inOrder(schemasOf(document)) { // what holds an allOf comes before what is in it
		ref := text(schema, "$ref")
		if allOf := get(schema, "allOf"); allOf != nil && len(allOf.Content) == 1 {
			ref = text(allOf.Content[0], "$ref")
		}
		switch strings.TrimPrefix(ref, schemaPath) {
		case "GoogleProtobufValue":
			remove(schema, "$ref", "allOf")
		case "GoogleProtobufAny":
			remove(schema, "$ref", "allOf")
			set(schema, "type", "object")
			set(schema, "additionalProperties", true)
		}
	}
	remove(schemas, "GoogleProtobufValue", "GoogleProtobufAny")
}

// describeServer says where the API is, what callers show, and under which licence the document is.
func describeServer(document *yaml.Node) {
	set(get(document, "info"), "license", map[string]string{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"})
	set(document, "servers", []map[string]string{{"url": "/", "description": "The server that this document comes from."}})
	set(get(document, "components"), "securitySchemes", map[string]any{"token": map[string]string{
		"type": "http", "scheme": "bearer",
		"description": "A token of this server: `Authorization: Bearer TOKEN`. A server that runs with `--auth none` asks for none.",
	}})
	set(document, "security", []map[string][]string{{"token": {}}})
}

// stream says how an answer comes that has no end: as JSON, one a line, or as events.
func stream(operation *yaml.Node) {
	content := get(operation, "responses", "200", "content")
	answer := get(content, "application/json")
	remove(content, "application/json")
	set(content, "application/x-ndjson", answer)
	set(content, "text/event-stream", map[string]any{"schema": map[string]string{"type": "string"}})
}

// nameBody gives the body a name of its own where clients would give it that of a parameter of the path.
func nameBody(operation *yaml.Node, schema string) {
	for _, parameter := range sequence(get(operation, "parameters")) {
		if strings.EqualFold(text(parameter, "name"), schema) {
			set(operation, "x-codegen-request-body-name", "body")
		}
	}
}

const schemaPath = "#/components/schemas/"

// schemasOf returns every schema of the document by where it stands, those within others included.
func schemasOf(document *yaml.Node) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	for name, schema := range pairs(get(document, "components", "schemas")) {
		collect(found, name, schema)
	}
	for route, item := range pairs(get(document, "paths")) {
		for verb, operation := range pairs(item) {
			at := verb + " " + route
			for _, parameter := range sequence(get(operation, "parameters")) {
				collect(found, at+" "+text(parameter, "name"), get(parameter, "schema"))
			}
			for kind, media := range pairs(get(operation, "requestBody", "content")) {
				collect(found, at+" body "+kind, get(media, "schema"))
			}
			for code, response := range pairs(get(operation, "responses")) {
				for kind, media := range pairs(get(response, "content")) {
					collect(found, at+" "+code+" "+kind, get(media, "schema"))
				}
			}
		}
	}
	return found
}

// collect adds a schema and those within it.
func collect(found map[string]*yaml.Node, at string, schema *yaml.Node) {
	if schema == nil || schema.Kind != yaml.MappingNode {
		return
	}
	found[at] = schema
	for name, property := range pairs(get(schema, "properties")) {
		collect(found, at+"."+name, property)
	}
	collect(found, at+"[]", get(schema, "items"))
	collect(found, at+"{}", get(schema, "additionalProperties"))
	for _, part := range sequence(get(schema, "allOf")) {
		collect(found, at+" allOf", part)
	}
}

// inOrder yields a map's entries by key, so that problems are reported in the same order each time.
func inOrder[V any](entries map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			if !yield(key, entries[key]) {
				return
			}
		}
	}
}
