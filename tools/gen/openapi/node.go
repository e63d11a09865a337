package main

import (
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"
)

// get follows keys down from a mapping; nil when one is not there.
func get(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		i := index(node, key)
		if i < 0 {
			return nil
		}
		node = node.Content[i+1]
	}
	return node
}

// text returns the scalar at keys, or "".
func text(node *yaml.Node, keys ...string) string {
	if node = get(node, keys...); node == nil {
		return ""
	}
	return node.Value
}

// set gives key of a mapping a value, at the end when it is new.
func set(node *yaml.Node, key string, value any) {
	var encoded yaml.Node
	if err := encoded.Encode(value); err != nil {
		panic(err) // strings, booleans and lists of strings only
	}
	if i := index(node, key); i >= 0 {
		node.Content[i+1] = &encoded
		return
	}
	node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, &encoded)
}

// remove takes keys out of a mapping.
func remove(node *yaml.Node, keys ...string) {
	for _, key := range keys {
		if i := index(node, key); i >= 0 {
			node.Content = slices.Delete(node.Content, i, i+2)
		}
	}
}

// pairs yields the keys and values of a mapping; nothing for nil.
func pairs(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}

// mappings yields node and everything below it that is a mapping.
func mappings(node *yaml.Node) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) { walk(node, yield) }
}

func walk(node *yaml.Node, yield func(*yaml.Node) bool) bool {
	if node.Kind == yaml.MappingNode && !yield(node) {
		return false
	}
	for _, child := range node.Content {
		if !walk(child, yield) {
			return false
		}
	}
	return true
}

func index(node *yaml.Node, key string) int {
	if node == nil || node.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return i
		}
	}
	return -1
}
