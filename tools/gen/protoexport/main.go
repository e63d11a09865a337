// Protoexport writes the .proto files that Tandem's contract imports into a folder, for buf to read.
//
// They are printed from the descriptors inside the Go modules of tools/gen/go.mod, so nothing is downloaded
// besides Go modules, and the text always belongs to the version that is linked. Descriptors carry no comments.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	validate "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("protoexport: ")
	out := flag.String("out", "", "folder to write to; what it held before is removed")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		log.Fatal("usage: protoexport -out DIR")
	}
	if err := export(*out); err != nil {
		log.Fatal(err)
	}
}

// export writes every file that the contract imports, and what those import in turn.
func export(out string) error {
	operations, err := withRoutes(longrunningpb.File_google_longrunning_operations_proto)
	if err != nil {
		return fmt.Errorf("bind google.longrunning.Operations: %w", err)
	}
	files := map[string]protoreflect.FileDescriptor{operations.Path(): operations}
	collect(operations, files)
	for _, file := range []protoreflect.FileDescriptor{
		annotations.File_google_api_annotations_proto,
		annotations.File_google_api_client_proto,
		annotations.File_google_api_field_behavior_proto,
		annotations.File_google_api_resource_proto,
		status.File_google_rpc_status_proto,
		validate.File_buf_validate_validate_proto,
	} {
		collect(file, files)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	printer := protoprint.Printer{}
	for path, file := range files {
		text, err := printer.PrintProtoToString(file)
		if err != nil {
			return fmt.Errorf("print %s: %w", path, err)
		}
		name := filepath.Join(out, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// collect adds file and its imports to files. google/protobuf is left out: buf brings its own.
func collect(file protoreflect.FileDescriptor, files map[string]protoreflect.FileDescriptor) {
	if strings.HasPrefix(file.Path(), "google/protobuf/") {
		return
	}
	if _, ok := files[file.Path()]; !ok {
		files[file.Path()] = file
	}
	imports := file.Imports()
	for i := range imports.Len() {
		if next := imports.Get(i); files[next.Path()] == nil {
			collect(next.FileDescriptor, files)
		}
	}
}
