// Package api holds the gRPC services of the contract in proto, one file for each. A method checks the request, calls
// what it needs through a small interface stated beside it, and converts the answer; what the rows mean is decided in the
// store and the sheets, and what happens to them in the engine.
//
// Methods return tandem.Error or an error nobody foresaw; Status turns both into what callers may see, in one place.
package api
