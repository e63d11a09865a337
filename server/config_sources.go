package server

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Settings collects values from flags, variables and a file, which go before each other in this order.
type Settings struct {
	flags map[string]string
	file  string
}

// Flags defines a flag for each key, and --config for the file.
func Flags(fs *flag.FlagSet) *Settings {
	s := &Settings{flags: map[string]string{}}
	for _, one := range settings {
		usage := one.usage
		if one.fallback != "" {
			usage += " (default " + one.fallback + ")"
		}
		fs.Func(one.name, usage, func(value string) error {
			s.flags[one.name] = value
			return one.set(&Config{}, value)
		})
	}
	fs.StringVar(&s.file, "config", "", "YAML file with the same keys")
	return s
}

// Config returns the configuration after the flags were parsed. A key that is not known is an error that names it.
func (s *Settings) Config(environ []string) (Config, error) {
	var config Config
	variables, err := fromEnvironment(environ)
	if err != nil {
		return config, err
	}
	path := s.file
	if path == "" {
		path = variables["config"]
	}
	file, err := fromFile(path)
	if err != nil {
		return config, err
	}
	for _, one := range settings {
		value, from := one.fallback, "the default"
		for _, source := range []struct {
			name   string
			values map[string]string
		}{{path, file}, {variable(one.name), variables}, {"--" + one.name, s.flags}} {
			if v, found := source.values[one.name]; found {
				value, from = v, source.name
			}
		}
		if err := one.set(&config, value); err != nil {
			return config, fmt.Errorf("%s (from %s): %w", one.name, from, err)
		}
	}
	return config, nil
}

func variable(name string) string {
	return "TANDEM_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fromEnvironment returns the values of TANDEM_ variables. TANDEM_TEST_ is left to tests.
func fromEnvironment(environ []string) (map[string]string, error) {
	known := map[string]string{variable("config"): "config"}
	for _, one := range settings {
		known[variable(one.name)] = one.name
	}
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "TANDEM_") || strings.HasPrefix(name, "TANDEM_TEST_") {
			continue
		}
		key, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("unknown variable %s; there are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		values[key] = value
	}
	return values, nil
}

// fromFile returns the values of a YAML file; "" is no file.
func fromFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	values := map[string]string{}
	for key, node := range nodes {
		switch {
		case !slices.ContainsFunc(settings, func(one setting) bool { return one.name == key }):
			return nil, fmt.Errorf("config %s, line %d: unknown key %q; there are %s", path, node.Line, key, keyList())
		case node.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("config %s, line %d: %s must be a single value", path, node.Line, key)
		}
		values[key] = node.Value
	}
	return values, nil
}

func keyList() string {
	names := make([]string, len(settings))
	for i := range settings {
		names[i] = settings[i].name
	}
	return strings.Join(names, ", ")
}
