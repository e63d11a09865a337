package server

import (
	"cmp"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-sync/tandem/store"
)

// Config is everything that a server can be told. The zero value is not usable: take what Settings.Config returns.
type Config struct {
	HTTPAddr              string
	GRPCAddr              string
	DatabaseURL           string // sqlite:PATH or mysql://…; it may hold a password, so it is never logged
	SheetsEndpoint        string // any server that speaks the Sheets API; "" is Google
	PublicURL             string // where Google's scripts reach this server, without a slash at the end; "" when they do not
	GoogleCredentialsFile string // a service account's key; "" takes Application Default Credentials
	Auth                  string // AuthToken or AuthNone
	TLSCertFile           string // PEM files of the server's certificate and its key; "" is plain HTTP and gRPC
	TLSKeyFile            string
	CORSOrigins           string          // of pages that may call, with commas between
	MetricsAuth           string          // AuthNone: /metrics is answered without a token
	RequestsPerSecond     int             // of each token; 0 is any number
	MaxRequestBytes       int             // 0 is 16 MB
	MaxStreamsPerToken    int             // 0 is any number
	MaxStreams            int             // of all callers together; 0 is any number
	Capture               store.CaptureBy // how changes of the database are noticed
	PollInterval          time.Duration
	DriveInterval         time.Duration // how often Drive is asked which files changed; 0 is never
	HistoryRetention      time.Duration // how long changes can be looked at and reverted; 0 is for ever
	AlertURL              string        // told of halts, stalls and recoveries of links without one of their own; it may hold a password
	OTLPEndpoint          string        // of the collector that traces are sent to; "" goes by the standard variables
	LogLevel              slog.Level
	// Calls of the Sheets API a minute, of one credential and of its whole project; 0 is what Google allows a new project, and
	// no limit with SheetsEndpoint.
	UserReads, UserWrites, ProjectReads, ProjectWrites int

	watch watchLimits // zero: usualWatchLimits
}

// Who may call. AuthNone lets everybody do everything, and is refused on any address but loopback.
const (
	AuthToken = "token"
	AuthNone  = "none"
)

// setting is one key. Its name is the flag's and the file's; the variable's is TANDEM_ and the name in capitals.
type setting struct {
	name, fallback, usage string
	set                   func(c *Config, value string) error
}

// settings are all keys, in the order in which help shows them.
var settings = []setting{
	{"http-addr", "127.0.0.1:8080", "address for HTTP; port 0 picks one", func(c *Config, v string) error { c.HTTPAddr = v; return address(v) }},
	{"grpc-addr", "127.0.0.1:9090", "address for gRPC; port 0 picks one", func(c *Config, v string) error { c.GRPCAddr = v; return address(v) }},
	{"database-url", "", "sqlite:PATH or mysql://USER:PASS@HOST:PORT/DB", func(c *Config, v string) error { c.DatabaseURL = v; return nil }},
	{"sheets-endpoint", "", "URL of a server that speaks the Sheets API, instead of Google's", func(c *Config, v string) error { c.SheetsEndpoint = v; return nil }},
	{"google-credentials-file", "", "key file of a Google service account; default: Application Default Credentials",
		func(c *Config, v string) error { c.GoogleCredentialsFile = v; return nil }},
	{"public-url", "", "address at which Google reaches this server, such as https://tandem.example.com, for hints from sheets",
		func(c *Config, v string) error { c.PublicURL = strings.TrimRight(v, "/"); return publicAddress(v) }},
	{"auth", AuthToken, "who may call: token, those who have one (see tandem token); none, everybody (loopback addresses only)",
		func(c *Config, v string) error { c.Auth = v; return oneOf(v, AuthToken, AuthNone) }},
	{"tls-cert-file", "", "PEM file with the certificate for HTTPS and gRPC, read again when it changes; default: no TLS, as behind a proxy",
		func(c *Config, v string) error { c.TLSCertFile = v; return nil }},
	{"tls-key-file", "", "PEM file with the certificate's key", func(c *Config, v string) error { c.TLSKeyFile = v; return nil }},
	{"cors-origins", "", "origins whose pages may call, such as https://app.example.com, with commas between", func(c *Config, v string) error {
		c.CORSOrigins = v
		_, err := corsOrigins(v)
		return err
	}},
	{"metrics-auth", AuthToken, "who may read /metrics: token, those who have one that sees all links; none, everybody",
		func(c *Config, v string) error { c.MetricsAuth = v; return oneOf(v, AuthToken, AuthNone) }},
	{"requests-per-second", "100", "calls a second of each token, and of each process; twice as many at once; 0 is any number",
		func(c *Config, v string) error { return number(v, 1_000_000, &c.RequestsPerSecond) }},
	{"max-request-bytes", strconv.Itoa(defaultRequestBytes), "how large a request may be", func(c *Config, v string) error {
		err := number(v, 1<<30, &c.MaxRequestBytes)
		if err == nil && c.MaxRequestBytes < 1<<10 {
			err = fmt.Errorf("it must be at least 1024")
		}
		return err
	}},
	{"max-streams-per-token", "1000", "streams of changes that one token may have open at a process; 0 is any number",
		func(c *Config, v string) error { return number(v, 1_000_000, &c.MaxStreamsPerToken) }},
	{"max-streams", "10000", "streams that all may have open at a process; 0 is any number",
		func(c *Config, v string) error { return number(v, 1_000_000, &c.MaxStreams) }},
	{"capture", string(store.ByTriggers), "how changes of the database are noticed: triggers, or binlog on MySQL and MariaDB", func(c *Config, v string) error {
		c.Capture = store.CaptureBy(v)
		if c.Capture != store.ByTriggers && c.Capture != store.ByBinlog {
			return fmt.Errorf("it must be %s or %s", store.ByTriggers, store.ByBinlog)
		}
		return nil
	}},
	{"poll-interval", "5s", "how often a tab is read whose changes nobody tells of", func(c *Config, v string) (err error) {
		if c.PollInterval, err = time.ParseDuration(v); err == nil && c.PollInterval <= 0 {
			err = fmt.Errorf("it must be longer than 0")
		}
		return err
	}},
	{"drive-interval", "2s", "how often Google Drive is asked which sheets changed, in one call for all; 0 leaves it alone", func(c *Config, v string) (err error) {
		if c.DriveInterval, err = time.ParseDuration(v); err == nil && c.DriveInterval != 0 && c.DriveInterval < 100*time.Millisecond {
			err = fmt.Errorf("it must be at least 100ms; 0 reads each tab in its turn instead, see poll-interval")
		}
		return err
	}},
	{"alert-url", "", "URL that gets a POST when a link halts, stalls or recovers, for links without one of their own",
		func(c *Config, v string) error { c.AlertURL = v; return webAddress(v) }},
	{"history-retention", "2160h", "how long changes can be looked at and reverted, at least 2h; 0 keeps them for ever", func(c *Config, v string) (err error) {
		if c.HistoryRetention, err = time.ParseDuration(v); err == nil && c.HistoryRetention != 0 && c.HistoryRetention < 2*time.Hour {
			err = fmt.Errorf("it must be at least 2h, which the deletion limits count in; 0 keeps history for ever")
		}
		return err
	}},
	{"otlp-endpoint", "", "URL of an OpenTelemetry collector that gets traces, such as http://127.0.0.1:4318; default: OTEL_EXPORTER_OTLP_ENDPOINT, or none",
		func(c *Config, v string) error { c.OTLPEndpoint = v; return webAddress(v) }},
	{"quota-user-reads", "0", "reads of Google Sheets a minute by one account; 0 is Google's 60, and no limit with --sheets-endpoint",
		func(c *Config, v string) error { return calls(v, &c.UserReads) }},
	{"quota-user-writes", "0", "writes a minute by one account; 0 is Google's 60, and no limit with --sheets-endpoint",
		func(c *Config, v string) error { return calls(v, &c.UserWrites) }},
	{"quota-project-reads", "0", "reads a minute by all accounts of one Google project; 0 is Google's 300, and no limit with --sheets-endpoint",
		func(c *Config, v string) error { return calls(v, &c.ProjectReads) }},
	{"quota-project-writes", "0", "writes a minute by all accounts of one Google project; 0 is Google's 300, and no limit with --sheets-endpoint",
		func(c *Config, v string) error { return calls(v, &c.ProjectWrites) }},
	{"log-level", "info", "debug, info, warn or error", func(c *Config, v string) error { return c.LogLevel.UnmarshalText([]byte(v)) }},
}

// requestBytes is how large a request may be.
func (c *Config) requestBytes() int { return cmp.Or(c.MaxRequestBytes, defaultRequestBytes) }

// check says what cannot work, before anything is opened.
func (c *Config) check() error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("database-url is missing: give --database-url sqlite:PATH or mysql://USER:PASS@HOST:PORT/DB")
	}
	if err := databaseAddress(c.DatabaseURL); err != nil {
		return err
	}
	if c.Capture == store.ByBinlog && !strings.HasPrefix(c.DatabaseURL, "mysql:") {
		return fmt.Errorf("capture binlog reads the binary log of MySQL or MariaDB, and this database has none: leave it at --capture triggers")
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return fmt.Errorf("tls-cert-file and tls-key-file belong together: give both, or none")
	}
	switch c.Auth {
	case AuthToken:
		return nil
	case AuthNone:
	default:
		return fmt.Errorf("auth %q is not known: give --auth token, or --auth none on loopback addresses", c.Auth)
	}
	for name, addr := range map[string]string{"http-addr": c.HTTPAddr, "grpc-addr": c.GRPCAddr} {
		if !loopback(addr) {
			return fmt.Errorf("%s %s can be reached from other machines, where --auth none would let everybody in: take a loopback address such as 127.0.0.1:8080",
				name, addr)
		}
	}
	return nil
}
