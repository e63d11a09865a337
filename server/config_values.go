package server

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func address(value string) error {
	if _, _, err := net.SplitHostPort(value); err != nil {
		return fmt.Errorf("%q is not HOST:PORT", value)
	}
	return nil
}

// calls reads a number of calls a minute.
func calls(value string, into *int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("%q is not a number of calls a minute", value)
	}
	*into = n
	return nil
}

func oneOf(value string, known ...string) error {
	if !slices.Contains(known, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(known, ", "))
	}
	return nil
}

// number reads a number from 0 to most.
func number(value string, most int, into *int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("%q is not a number from 0 to %d", value, most)
	}
	*into = n
	return nil
}

// webAddress accepts http and https addresses, and none. What it refuses is not repeated: it may hold a password.
func webAddress(value string) error {
	parsed, err := url.Parse(value)
	if value != "" && (err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "") {
		return fmt.Errorf("it must be an address such as https://example.com/alerts")
	}
	return nil
}

// publicAddress accepts what webAddress does, as long as a path can be put after it.
func publicAddress(value string) error {
	parsed, err := url.Parse(value)
	if webAddress(value) != nil || err != nil || strings.ContainsAny(value, "?#") || parsed.User != nil {
		return fmt.Errorf("it must be an address such as https://tandem.example.com, without a password, a query or a fragment")
	}
	return nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
