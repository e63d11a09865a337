package main

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// operationRoutes are the REST routes that Tandem serves for google.longrunning.Operations. They replace those in
// Google's file: names are `operations/{id}` here, Wait has a route, and what is not listed (Delete) has none.
func operationRoutes() map[string]*annotations.HttpRule {
	return map[string]*annotations.HttpRule{
		"ListOperations":  {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=operations}"}},
		"GetOperation":    {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=operations/*}"}},
		"CancelOperation": {Pattern: &annotations.HttpRule_Post{Post: "/v1/{name=operations/*}:cancel"}, Body: "*"},
		"WaitOperation":   {Pattern: &annotations.HttpRule_Post{Post: "/v1/{name=operations/*}:wait"}, Body: "*"},
	}
}

// withRoutes returns file with the HTTP rules of its methods replaced by operationRoutes. The gateway and the
// OpenAPI generators read nothing but these annotations.
func withRoutes(file protoreflect.FileDescriptor) (protoreflect.FileDescriptor, error) {
	fdp := protodesc.ToFileDescriptorProto(file)
	routes := operationRoutes()
	for _, service := range fdp.Service {
		proto.ClearExtension(service.Options, annotations.E_DefaultHost) // Google's
		for _, method := range service.Method {
			options := &descriptorpb.MethodOptions{}
			if method.Options != nil {
				options = proto.CloneOf(method.Options)
			}
			proto.ClearExtension(options, annotations.E_Http)
			if rule, ok := routes[method.GetName()]; ok {
				proto.SetExtension(options, annotations.E_Http, rule)
				delete(routes, method.GetName())
			}
			method.Options = options
		}
	}
	if len(routes) > 0 {
		return nil, fmt.Errorf("no methods %q", slices.Sorted(maps.Keys(routes)))
	}
	return protodesc.NewFile(fdp, protoregistry.GlobalFiles)
}
