// Mutants shows that the simulation can fail: it breaks the program in one place at a time, in a copy of the tree, and runs
// the simulation until that breaks a promise.
//
//	go run ./tools/mutants            all of them
//	go run ./tools/mutants -run lease those whose name contains "lease"
//	go run ./tools/mutants -list      their names
//
// A mutant whose text is not found exactly once is an error: who changes the text changes the mutant. A mutant that
// survives is one too: the simulation is then made stronger, not the list shorter.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var (
	match  = flag.String("run", "", "only mutants whose name contains this")
	list   = flag.Bool("list", false, "list the mutants and stop")
	seeds  = flag.Int("seeds", 500, "how many seeds a mutant may survive")
	first  = flag.Uint64("first", 1, "the first seed")
	steps  = flag.Int("steps", 30, "actions in a run")
	sound  = flag.Bool("sound", true, "try the seeds on the unbroken program first")
	within = flag.Duration("within", 10*time.Minute, "how long one mutant may take")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run() error {
	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(m.name, *match) {
			chosen = append(chosen, m)
			if *list {
				fmt.Printf("%-28s %-26s %s\n", m.name, m.file, m.what)
			}
		}
	}
	if *list {
		return nil
	}
	tree, err := copyTree()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	// All texts are looked for before any time is spent.
	for _, m := range chosen {
		if _, err := m.apply(tree); err != nil {
			return err
		}
	}
	if *sound {
		caught, seed, promise, err := simulate(tree)
		if err != nil {
			return fmt.Errorf("the unbroken program: %w", err)
		}
		if caught {
			return fmt.Errorf("the unbroken program breaks a promise by itself, so nothing is proved: seed %s: %s", seed, promise)
		}
		fmt.Printf("the unbroken program keeps its promises for %d seeds\n", *seeds)
	}
	survived := 0
	for _, m := range chosen {
		ok, err := try(tree, m)
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.name, err)
		}
		if !ok {
			survived++
		}
	}
	fmt.Printf("%d of %d mutants caught\n", len(chosen)-survived, len(chosen))
	if survived > 0 {
		return fmt.Errorf("%d survived", survived)
	}
	return nil
}

// try breaks the tree, runs the simulation, mends the tree, and prints a line of the table.
func try(tree string, m mutant) (caught bool, err error) {
	broken, err := m.apply(tree)
	if err != nil {
		return false, err
	}
	path := filepath.Join(tree, m.file)
	whole, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(path, broken, 0o644); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, whole, 0o644)) }()
	caught, seed, promise, err := simulate(tree)
	switch {
	case err != nil:
		return false, err
	case caught:
		fmt.Printf("%-28s caught by seed %s (%s)\n", m.name, seed, shortened(promise))
	default:
		fmt.Printf("%-28s SURVIVED %d seeds: %s\n", m.name, *seeds, m.what)
	}
	return caught, nil
}

// broken is how the simulation says that a promise was broken; it says so for the values of one run, of which the first
// words name the promise.
var broken = regexp.MustCompile(`seed (\d+): broken: (.*)`)

// simulate builds the simulation of a tree and runs it until the first failure.
func simulate(tree string) (caught bool, seed, promise string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), *within)
	defer cancel()
	folder := filepath.Join(tree, "server", "simulation")
	program := filepath.Join(tree, "simulation.test")
	if _, err := output(ctx, tree, "go", "test", "-c", "-o", program, "./server/simulation"); err != nil {
		return false, "", "", fmt.Errorf("does not build: %w", err)
	}
	text, err := output(ctx, folder, program, "-test.run", "^TestPromises$", "-test.timeout", "0", "-enough", "1",
		"-seeds", fmt.Sprint(*seeds), "-first", fmt.Sprint(*first), "-steps", fmt.Sprint(*steps))
	if err == nil {
		return false, "", "", nil
	}
	if found := broken.FindStringSubmatch(text); found != nil {
		return true, found[1], found[2], nil
	}
	if ctx.Err() != nil {
		return true, "unknown", fmt.Sprintf("no end within %s", *within), nil
	}
	return false, "", "", err
}

// output runs a program in a folder, out of the way of others, and returns what it printed.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "nice", append([]string{name}, args...)...)
	command.Dir = dir
	command.WaitDelay = 5 * time.Second
	text, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, tail(string(text), 3000))
	}
	return string(text), err
}

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}

func shortened(text string) string {
	if r := []rune(text); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return text
}

// copyTree copies the Go sources of the tree, and what they embed, to a folder of its own.
func copyTree() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(root, "server", "simulation")); err != nil {
		return "", fmt.Errorf("run it from the root of the repository: %w", err)
	}
	tree, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return "", err
	}
	skip := map[string]bool{".git": true, "bin": true, "node_modules": true, "third_party": true}
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(tree, name)
		switch {
		case entry.IsDir() && skip[entry.Name()]:
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(to, 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		os.RemoveAll(tree)
	}
	return tree, err
}
