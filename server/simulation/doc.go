// Package simulation tries the promises of DESIGN, section 5, in one process: a real store on SQLite, the real sheets code
// on the emulator, and workers that are stepped by hand in virtual time, while programs write, people rearrange the sheet,
// calls fail and workers crash. It is test code; nothing imports it.
//
// One seed is one run. Everything in a run follows from its seed, so a seed that failed fails again, with its trace:
//
//	go test ./server/simulation -first 4711 -seeds 1 -steps 30
//
// What is not tried here: MariaDB, signed hints of Apps Script, Google's own quirks, and schema changes while running.
package simulation
