package server

// UntilDone is how long rows are looked at for a caller.
var UntilDone = untilDone
