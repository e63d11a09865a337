package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/compiler/protogen"
)

var placeholder = regexp.MustCompile(`\{([^}]*)\}`)

// check returns everything in the document that would break a generated client.
func check(document *yaml.Node, files []*protogen.File) error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	ids, shapes := map[string]string{}, map[string]string{}
	for path, item := range pairs(get(document, "paths")) {
		shape := placeholder.ReplaceAllString(path, "{}")
		if other, ok := shapes[shape]; ok {
			report("one path, two names: %s and %s", other, path)
		}
		shapes[shape] = path
		var want []string
		for _, match := range placeholder.FindAllStringSubmatch(path, -1) {
			want = append(want, match[1])
			if parameters[match[1]] == "" {
				report("%s: say in parameters what {%s} is", path, match[1])
			}
		}
		for verb, operation := range pairs(item) {
			id := text(operation, "operationId")
			if other, ok := ids[id]; ok || id == "" {
				report("%s %s: operation id %q is also that of %s", verb, path, id, other)
			}
			ids[id] = path
			var have []string
			for _, parameter := range sequence(get(operation, "parameters")) {
				if text(parameter, "in") == "path" {
					have = append(have, text(parameter, "name"))
				}
			}
			if !slices.Equal(have, want) {
				report("%s %s: has path parameters %q, wants %q", verb, path, have, want)
			}
			if text(operation, "description") == "" {
				report("%s %s: has no description", verb, path)
			}
		}
	}
	for method := range routes(files) {
		if id := strings.ToLower(method.GoName[:1]) + method.GoName[1:]; ids[id] == "" {
			report("%s: its route is missing", method.Desc.FullName())
		}
	}
	checkClients(document, report)
	checkReferences(document, report)
	return errors.Join(problems...)
}

// results are of the operations that take long: they stand inside `Any`, where no reference shows.
var results = map[string]bool{"InitialSyncMetadata": true, "InitialSyncResponse": true}

// checkReferences reports schemas that are missing, and those that nothing needs.
func checkReferences(document *yaml.Node, report reporter) {
	used := map[string]bool{}
	for node := range mappings(document) {
		ref, ok := strings.CutPrefix(text(node, "$ref"), schemaPath)
		used[ref] = true
		if ok && get(document, "components", "schemas", ref) == nil {
			report("schema %s is missing", ref)
		}
	}
	for name := range pairs(get(document, "components", "schemas")) {
		if !used[name] && !results[name] {
			report("schema %s is not used", name)
		}
	}
}
