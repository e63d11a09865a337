package main

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// documentOf returns the committed document, in which a text was replaced by another.
func documentOf(t *testing.T, old, with string) *yaml.Node {
	t.Helper()
	text, err := os.ReadFile("../../../gen/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), old) == 0 {
		t.Fatalf("the document does not hold %q", old)
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(strings.Replace(string(text), old, with, 1)), &root); err != nil {
		t.Fatal(err)
	}
	return root.Content[0]
}

// TestCheck breaks the document in every way that generated clients are known to stumble over.
func TestCheck(t *testing.T) {
	if err := check(documentOf(t, "openapi", "openapi"), nil); err != nil {
		t.Fatalf("the document as it is: %v", err)
	}
	const values = "        values:\n          type: object\n"
	for problem, change := range map[string][2]string{
		"openapi is 3.1.0":                         {"openapi: 3.0.3", "openapi: 3.1.0"},
		"type is not one of OpenAPI 3.0":           {values, "        values:\n          type: [object, \"null\"]\n"},
		"Row.etag: type is not one of":             {"        etag:\n          type: string\n          description: Changes whenever the row", "        etag:\n          type: text\n          description: Changes whenever the row"},
		"const is not of OpenAPI 3.0":              {values, "        values:\n          const: 1\n          type: object\n"},
		"oneOf, which Dart has no type for":        {values, "        values:\n          oneOf:\n            - type: string\n          type: object\n"},
		"anyOf, which Dart has no type for":        {values, "        values:\n          anyOf:\n            - type: string\n          type: object\n"},
		"allOf may only stand round one $ref":      {"          allOf:\n            - $ref: '#/components/schemas/Token'", "          allOf:\n            - type: object"},
		"has no type; without one":                 {values, "        values:\n          nullable: true\n"},
		"64-bit numbers lose digits":               {"        position:\n          readOnly: true\n          type: integer", "        position:\n          readOnly: true\n          format: int64\n          type: integer"},
		"says neither properties nor":              {"            type: object\n            additionalProperties: true\n", "            type: object\n"},
		"a class drops what it does not name":      {"    Row:\n", "    Row:\n      additionalProperties: true\n"},
		"a class without a name":                   {values, "        other:\n          properties: {a: {type: string}}\n          type: object\n        values:\n          type: object\n"},
		"which lets any value and NULL in":         {"            additionalProperties: true\n", "            additionalProperties: {type: string}\n"},
		"an array without items":                   {"        rows:\n          type: array\n          items:\n            $ref: '#/components/schemas/Row'\n", "        rows:\n          type: array\n"},
		`"new" is not a name for a constant`:       {"            - NEW\n", "            - new\n"},
		"an enum that is no string":                {"            - HALTED\n          type: string", "            - HALTED\n          type: integer"},
		"Row.class: not a name for a member":       {values, "        class:\n          type: object\n"},
		"Row.2nd: not a name for a member":         {values, "        2nd:\n          type: object\n"},
		"Row.rebuild: not a name for a member":     {values, "        rebuild:\n          type: object\n"},
		"schema List: not a name for a class":      {"    Row:\n", "    List:\n"},
		"become the same class":                    {"    RowError:\n", "    Row_Error: {type: object, properties: {}, description: a}\n    RowError:\n"},
		"schema Row is missing":                    {"    Row:\n", "    Rows:\n"},
		"schema Rows is not used":                  {"    Row:\n", "    Rows:\n"},
		"a class needs type object":                {"    Row:\n      type: object", "    Row:\n      type: string"},
		"is also that of":                          {"operationId: getRow\n", "operationId: listRows\n"},
		`"default" is not a name for a method`:     {"operationId: getRow\n", "operationId: default\n"},
		"has 2 tags":                               {"      tags:\n        - RowService\n", "      tags:\n        - RowService\n        - Other\n"},
		"the body must be JSON of a named schema":  {"            schema:\n              $ref: '#/components/schemas/MutateRowsRequest'", "            schema:\n              type: object"},
		"the answer 200 must be of a named schema": {"              schema:\n                $ref: '#/components/schemas/MutateRowsResponse'", "              schema:\n                type: object"},
		`two parameters "row"`:                     {"      x-codegen-request-body-name: body\n      summary: Changes columns", "      summary: Changes columns"},
		`parameter "in" is not a name`:             {"name: readMask\n", "name: in\n"},
		"which has no single form in a URL":        {"as in ListRows. Absent: all.'\n          schema:\n            type: string\n", "as in ListRows. Absent: all.'\n          schema:\n            type: array\n            items: {type: string}\n"},
		"one path, two names":                      {"  /v1/tables:\n", "  /v1/links/{source}: {}\n  /v1/tables:\n"},
		"say in parameters what {name=links/*} is": {"  /v1/tables/{table}:", "  /v1/tables/{name=links/*}:"},
		"the description ends the comment":         {"description: A row of one source of a link.", "description: A row */ of one source of a link."},
		"has no description":                       {"      description: Returns one row.\n", ""},
	} {
		err := check(documentOf(t, change[0], change[1]), nil)
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q is not reported: %v", problem, err)
		}
	}
}
