// SPDX-License-Identifier: Apache-2.0
//
// Runs a scenario on Go's own poller, or makes one up:
//
//	go build -o /tmp/goscenario .
//	/tmp/goscenario run < FILE
//	/tmp/goscenario generate SEED NAME   # NAME.scenario, NAME.expected
//
// To compare: netpoll scenario NAME.scenario | diff - NAME.expected. It is no
// part of the tests: it needs Go (1.19 to 1.22), and time, because Go does not
// say when it is quiescent: each statement is given NETPOLL_SETTLE_MS, 25 if it
// is not set. On a busy machine a difference that does not come again with
// more is none.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"time"
)

const statements = 45

func settleTime() time.Duration {
	millis, err := strconv.Atoi(os.Getenv("NETPOLL_SETTLE_MS"))
	if err != nil {
		millis = 25
	}
	return time.Duration(millis) * time.Millisecond
}

func fail(status int, message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(status)
}

func run(w *world) {
	lines := bufio.NewScanner(os.Stdin)
	for number := 1; lines.Scan(); number++ {
		if _, wrong := w.run(lines.Text()); wrong != "" {
			fmt.Print(w.out.String())
			fail(2, fmt.Sprintf("-:%d: %s", number, wrong))
		}
	}
	fmt.Print(w.out.String())
}

func generate(w *world, seed int64, name string) {
	g := &generator{Rand: rand.New(rand.NewSource(seed)), world: w}
	text := g.generate(statements)
	for ending, content := range map[string]string{
		".scenario": text, ".expected": w.out.String()} {
		if err := os.WriteFile(name+ending, []byte(content), 0o644); err != nil {
			fail(1, err.Error())
		}
	}
}

func main() {
	pollServerInit()
	w := newWorld(settleTime())
	switch {
	case len(os.Args) == 2 && os.Args[1] == "run":
		run(w)
	case len(os.Args) == 4 && os.Args[1] == "generate":
		seed, err := strconv.ParseInt(os.Args[2], 10, 64)
		if err != nil {
			fail(2, "SEED is not a number")
		}
		generate(w, seed, os.Args[3])
	default:
		fail(2, "usage: run < FILE | generate SEED NAME")
	}
}
