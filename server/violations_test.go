package server_test

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/tandem-sync/tandem/server"
)

// No rule of the contract shows people a regular expression: each pattern that it has is put into words.
func TestPatternsInWords(t *testing.T) {
	found := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("tandem.v1", func(file protoreflect.FileDescriptor) bool {
		var walk func(messages protoreflect.MessageDescriptors)
		walk = func(messages protoreflect.MessageDescriptors) {
			for i := range messages.Len() {
				message := messages.Get(i)
				walk(message.Messages())
				for f := range message.Fields().Len() {
					field := message.Fields().Get(f)
					rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
					for _, rule := range []*validate.FieldRules{rules, rules.GetRepeated().GetItems()} {
						pattern := rule.GetString().GetPattern()
						if pattern == "" {
							continue
						}
						found++
						if words := server.InWords(pattern); strings.ContainsAny(words, `[]^$\*`) || strings.Contains(words, "openapi") {
							t.Errorf("%s: %s is put as %q", field.FullName(), pattern, words)
						}
					}
				}
			}
		}
		walk(file.Messages())
		return true
	})
	if found < 20 {
		t.Errorf("%d patterns were found, which cannot be all", found)
	}
}
