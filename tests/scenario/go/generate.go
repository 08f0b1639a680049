// SPDX-License-Identifier: Apache-2.0
//
// Random scenarios that keep the rules, made while they run: what comes next
// depends on who is parked. Deadlines that pass do so within a sleep, far from
// any other statement, so that a slow machine changes nothing. No peer-drain
// while a writer is parked: how much it finds depends on who is faster.

package main

import (
	"math/rand"
	"sort"
	"strconv"
	"strings"
)

type generator struct {
	*rand.Rand
	world *world
	text  strings.Builder
	again string // The last statement, if it printed `again`.
	phase int    // 1: short deadlines are pending. 2: only those of phase 2.
	left  int    // Statements until the sleep that ends the phase.
}

func (g *generator) pick(words ...string) string {
	return words[g.Intn(len(words))]
}

func names[V any](of map[string]V) []string {
	var all []string
	for name := range of {
		all = append(all, name)
	}
	sort.Strings(all) // The same seed, the same scenario.
	return all
}

func (g *generator) emit(words ...string) {
	line := strings.Join(words, " ")
	g.text.WriteString(line + "\n")
	result, wrong := g.world.run(line)
	if wrong != "" {
		panic(line + ": " + wrong)
	}
	g.again = ""
	if result == "again" {
		g.again = line
	}
}

func (g *generator) freeTask() string {
	for {
		name := "t" + strconv.Itoa(g.Intn(8))
		if t := g.world.tasks[name]; t == nil || !t.parked() {
			return name
		}
	}
}

// generate makes a scenario of about `count` statements.
func (g *generator) generate(count int) string {
	for i := 0; i < count; i++ {
		switch {
		case g.phase != 0 && g.left == 0:
			g.endPhase()
		case len(g.world.descriptors) == 0,
			len(g.world.descriptors) == 1 && g.Intn(12) == 0:
			name := "a"
			if g.world.descriptors["a"] != nil {
				name = "b"
			}
			g.emit("open", name)
		case g.again != "" && g.Intn(2) == 0:
			g.waitAfterAgain()
		default:
			g.statement()
		}
		if g.left > 0 {
			g.left--
		}
	}
	for _, name := range names(g.world.tasks) {
		g.emit("task", name)
	}
	return g.text.String()
}

func (g *generator) endPhase() {
	if g.phase == 1 {
		g.emit("sleep", "1000")
		g.phase, g.left = 2, 1+g.Intn(5)
		return
	}
	g.emit("sleep", "1300")
	g.phase = 0
}

func (g *generator) waitAfterAgain() {
	words := strings.Fields(g.again)
	mode := map[string]string{"read": "r", "drain": "r", "write": "w",
		"fill": "w"}[words[0]]
	d := g.world.descriptors[words[1]]
	g.again = ""
	if mode != "" && d != nil && !d.busy(int(mode[0])) {
		g.emit("wait", words[1], mode, g.freeTask())
	}
}

func (g *generator) deadline(name string) {
	when := g.pick("none", "past", "3600000", "500", "520", "1800")
	short := when == "500" || when == "520" || when == "1800"
	if short && g.phase == 0 {
		g.phase, g.left = 1, 2+g.Intn(5)
	} else if when == "1800" && g.phase == 2 {
		when = "500"
	}
	g.emit("deadline", name, g.pick("r", "w", "rw"), when)
}

func (g *generator) statement() {
	name := g.pick(names(g.world.descriptors)...)
	d := g.world.descriptors[name]
	mode := g.pick("r", "w")
	free := !d.busy(int(mode[0]))
	size := g.pick("1", "2", "3", "10", "100", "1000", "4096", "65536")
	switch k := g.Intn(100); {
	case k < 9 && free:
		g.emit("reset", name, mode)
	case k < 17 && free:
		g.emit("wait", name, mode, g.freeTask())
	case k < 26 && !d.busy('r'):
		g.emit("reader", name, g.freeTask(), size)
	case k < 33 && !d.busy('w'):
		bytes := g.pick("1", "10", "1000", "100000", "300000", "1000000")
		g.emit("writer", name, g.freeTask(), bytes)
	case k < 45 && len(g.world.tasks) > 0:
		g.emit("task", g.pick(names(g.world.tasks)...))
	case k < 65:
		g.emit(g.pick("read", "write", "peer-read", "peer-read", "peer-write",
			"peer-write"), name, size)
	case k < 72:
		g.emit(g.pick("fill", "drain"), name)
	case k < 76 && !d.busy('w'):
		g.emit("peer-drain", name)
	case k < 77 && d.peer >= 0:
		g.emit(g.pick("peer-close", "peer-shutdown"), name)
	case k < 93:
		g.deadline(name)
	case k < 95:
		g.emit("sleep", g.pick("0", "1", "5"))
	case k < 96 && !d.unblocked:
		g.emit("unblock", name)
	case d.unblocked && !d.busy('r') && !d.busy('w'):
		g.emit("close", name)
	}
}
