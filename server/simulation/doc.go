// Package simulation tries the promises of DESIGN, section 5, in one process: a real store on SQLite, the real sheets code
// on the emulator, and two workers, in time of its own, while programs write, people rearrange the sheet, calls hang, fail
// before and after their effect, or arrive late, and workers crash and lose their leases. It is test code; nothing imports it.
//
// One seed is one run. Everything in a run follows from its seed: first what may happen in it at all (see features), then
// what does. A seed that failed fails again, with its trace:
//
//	go test ./server/simulation -run TestPromises -first 4711 -seeds 1 -steps 30
//
// With -trace, each run shows what the workers logged and wrote, too. Fewer -steps are often enough to fail: the runs are the
// same up to there. With -time, seeds are tried one after the other for so long, on every processor.
//
// That it can fail is shown by tools/mutants, which breaks the program in one place after the other.
//
// What is not tried here: MariaDB, the signatures of hints, Google's own quirks, and changes of the schema.
package simulation
