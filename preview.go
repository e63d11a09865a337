package tandem

// Sample is the beginning of a tab, as one read showed it.
type Sample struct {
	// Scan holds the rows that were read, decoded and judged as a scan of the whole tab would have them.
	Scan *Scan
	// Complete is set when no row of the tab stands below those.
	Complete bool
	// Checks are what the cells of each linked column are, in the link's order.
	Checks []ColumnCheck
}

// ColumnCheck is what the cells of one column are, by its type.
type ColumnCheck struct {
	Checked  int // cells with content that were looked at
	Refused  int // those of them that are no value of the type
	Examples []CellExample
	Paused   string // why the column would not flow; "" when it would
}

// CellExample is a cell that is no value of its column's type.
type CellExample struct {
	Row     int    // number of the row, as people count them
	Key     Key    // "" when the row has no usable one
	Shown   string // what people see in the cell
	Message string // why it is none, in words that follow what is shown
}

// Preview is what a link would do that is not made.
type Preview struct {
	Columns   []ColumnCheck // in the link's order
	TableRows int64
	TabRows   int  // rows of the tab that were looked at
	Complete  bool // these are all rows of the tab
	Counts    SyncCounts
	Examples  []SyncExample
}
