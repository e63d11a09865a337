package store

// What is told of a text at a glance; see row_reader.go and agreed.go.
var (
	Canonical     = canonical
	MomentOf      = momentOf
	PlainBaseline = plainBaseline
)
