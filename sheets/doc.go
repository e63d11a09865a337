// Package sheets is one tab of a Google spreadsheet as typed rows: read in single calls, written by guarded batches.
//
// Google has no compare-and-swap, and people sort, insert and delete while we write. So every write copies what stands
// where it lands to the hidden tab "_tandem" in the same atomic call, and reads that copy back with the answer. A write
// that landed on the wrong rows, or over something that a person typed meanwhile, is seen there and undone at once.
//
// The way of a write: Prepare (prepare.go) compares rows and makes a Batch, requests.go turns it into one call, Send
// (send.go) makes the call and judges where it landed, repair.go undoes what went astray, and Settle (settle.go) finds out
// what became of a batch whose answer was lost.
package sheets
