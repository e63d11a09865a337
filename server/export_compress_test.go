package server

// Compressed wraps a handler as the server does.
var Compressed = compressed
