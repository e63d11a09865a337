package api

import (
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"google.golang.org/protobuf/types/known/structpb"
)

// masked returns the values that an update_mask names: those present when there is none, and NULL for columns that are
// named and not present. The mask that the gateway makes for PATCH also names fields other than values; they are passed
// over, as are output-only fields that a client sends back.
func masked(values *structpb.Struct, columns []tandem.Column, paths []string, prefix string, bad *violations) *structpb.Struct {
	if !slices.ContainsFunc(paths, func(path string) bool { return path != "" }) {
		return values // the mask that the gateway makes of an empty body names one empty field
	}
	kept := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for _, path := range paths {
		if path == "values" || path == "*" {
			return values
		}
		name, inValues := valuePath(path)
		switch {
		case !inValues && rowFields[path] == "":
			bad.add(prefix+"update_mask", "a row has no field %q; columns are named as values.COLUMN", path)
		case !inValues:
		case columnNamed(columns, name) == nil && values.GetFields()[name] == nil && !within(values, name):
			bad.add(prefix+"update_mask", "the link has no column %q; its columns are %s", name, columnList(columns))
		default:
			keep(kept, values, name)
		}
	}
	return kept
}

// within reports whether name is a path into a value that is an object, which the gateway's mask spells out.
func within(values *structpb.Struct, name string) bool {
	for field, value := range values.GetFields() {
		if value.GetStructValue() != nil && strings.HasPrefix(name, field+".") {
			return true
		}
	}
	return false
}

func keep(kept, values *structpb.Struct, name string) {
	if value, present := values.GetFields()[name]; present {
		kept.Fields[name] = value
		return
	}
	for field, value := range values.GetFields() {
		if value.GetStructValue() != nil && strings.HasPrefix(name, field+".") {
			kept.Fields[field] = value
			return
		}
	}
	kept.Fields[name] = structpb.NewNullValue()
}
