package main

import (
	"fmt"
	"strings"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// resultPath begins the routes that only exist while the document is made.
const resultPath = "/-/"

// withOperationResults returns a plugin for the same request in which each method that returns an Operation is
// followed by methods that return its response and metadata. REST carries these inside `Any`, where gnostic does not see
// them, and clients would have no types for them. finish removes the routes again.
func withOperationResults(request *pluginpb.CodeGeneratorRequest) (*protogen.Plugin, error) {
	request = proto.CloneOf(request)
	for _, file := range request.ProtoFile {
		for _, service := range file.Service {
			for _, method := range service.Method {
				info, _ := proto.GetExtension(method.Options, longrunningpb.E_OperationInfo).(*longrunningpb.OperationInfo)
				if info == nil {
					continue
				}
				for i, result := range []string{info.ResponseType, info.MetadataType} {
					if strings.Contains(result, ".") {
						return nil, fmt.Errorf("%s: operation_info must name types of package %s", method.GetName(), file.GetPackage())
					}
					options := &descriptorpb.MethodOptions{}
					proto.SetExtension(options, annotations.E_Http, &annotations.HttpRule{
						Pattern: &annotations.HttpRule_Get{Get: resultPath + result},
					})
					service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
						Name:       proto.String(fmt.Sprintf("%sResult%d", method.GetName(), i)),
						InputType:  proto.String(".google.longrunning.GetOperationRequest"),
						OutputType: proto.String("." + file.GetPackage() + "." + result),
						Options:    options,
					})
				}
			}
		}
	}
	return protogen.Options{}.New(request)
}
