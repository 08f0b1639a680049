// SPDX-License-Identifier: Apache-2.0
//
// The scenario language (docs/scenarios.md) on Go's poller.

package main

import (
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type descriptor struct {
	fd, peer  int
	desc      uintptr
	unblocked bool
	tasks     map[int]*task // The last of each direction.
}

func (d *descriptor) busy(mode int) bool {
	t := d.tasks[mode]
	return t != nil && t.parked()
}

type world struct {
	descriptors map[string]*descriptor
	tasks       map[string]*task
	// How long a statement is given until everything is quiescent: Go does
	// not say when it is.
	settle time.Duration
	out    strings.Builder
}

func newWorld(settle time.Duration) *world {
	return &world{descriptors: map[string]*descriptor{},
		tasks: map[string]*task{}, settle: settle}
}

// A rule that was broken ends the run.
type broken struct{ what string }

func check(kept bool, what string) {
	if !kept {
		panic(broken{what})
	}
}

func number(word string, least, most int64) int64 {
	value, err := strconv.ParseUint(word, 10, 63)
	check(err == nil && int64(value) >= least && int64(value) <= most,
		word+" is not such a number")
	return int64(value)
}

func direction(word string, both bool) int {
	check(word == "r" || word == "w" || both && word == "rw",
		word+" is no direction")
	mode := 0
	for _, letter := range word {
		mode += int(letter)
	}
	return mode
}

// run executes one line; the result is empty unless the statement prints. What
// broke a rule is returned.
func (w *world) run(line string) (result, wrong string) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", ""
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case broken:
			wrong = r.what
		default:
			panic(r)
		}
	}()
	result = w.execute(words)
	time.Sleep(w.settle)
	if result != "" {
		w.out.WriteString(strings.Join(words, " ") + ": " + result + "\n")
	}
	return result, ""
}

// How many words each statement takes.
var operands = map[string]int{"open": 1, "reset": 2, "wait": 3, "reader": 3,
	"writer": 3, "task": 1, "read": 2, "write": 2, "peer-read": 2,
	"peer-write": 2, "fill": 1, "drain": 1, "peer-drain": 1, "peer-close": 1,
	"peer-shutdown": 1, "deadline": 3, "sleep": 1, "unblock": 1, "close": 1}

func (w *world) execute(words []string) string {
	count, known := operands[words[0]]
	check(known, "unknown statement "+words[0])
	check(len(words) == count+1, "wrong number of words")
	verb, first := words[0], words[1]
	switch verb {
	case "sleep":
		millis := number(first, 0, 86400000)
		time.Sleep(time.Duration(millis) * time.Millisecond)
		return ""
	case "task":
		check(w.tasks[first] != nil, "unknown task")
		return w.tasks[first].state()
	case "open":
		check(w.descriptors[first] == nil, "open already")
		return w.open(first)
	}
	d := w.descriptors[first]
	check(d != nil, "not open")
	switch verb {
	case "wait":
		w.start(d, verb, direction(words[2], false), words[3], 0)
	case "reader":
		w.start(d, verb, 'r', words[2], int(number(words[3], 1, 1<<30)))
	case "writer":
		w.start(d, verb, 'w', words[2], int(number(words[3], 1, 1<<30)))
	case "reset":
		mode := direction(words[2], false)
		check(!d.busy(mode), "a task is parked")
		return pollErrors[pollReset(d.desc, mode)]
	case "deadline":
		setDeadline(d, direction(words[2], true), words[3])
	case "peer-close", "peer-shutdown", "unblock", "close":
		w.end(d, verb, first)
	default:
		return raw(d, words)
	}
	return ""
}

func raw(d *descriptor, words []string) string {
	verb, fd := strings.TrimPrefix(words[0], "peer-"), d.fd
	if verb != words[0] {
		fd = d.peer
	}
	switch verb {
	case "fill":
		return rawCalls(syscall.SYS_WRITE, fd).String()
	case "drain":
		return rawCalls(syscall.SYS_READ, fd).String()
	case "read":
		bytes := int(number(words[2], 1, 65536))
		return rawCall(syscall.SYS_READ, fd, bytes).String()
	}
	bytes := int(number(words[2], 1, 65536))
	return rawCall(syscall.SYS_WRITE, fd, bytes).String()
}

func (w *world) open(name string) string {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|
		syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return errnoName(err.(syscall.Errno))
	}
	desc, errno := pollOpen(uintptr(ends[0]))
	if errno != 0 {
		return errnoName(syscall.Errno(errno))
	}
	w.descriptors[name] = &descriptor{fd: ends[0], peer: ends[1], desc: desc,
		tasks: map[int]*task{}}
	return "0"
}

func (w *world) start(d *descriptor, kind string, mode int, name string,
	bytes int) {
	before := w.tasks[name]
	check(before == nil || !before.parked(), "the task is parked")
	check(!d.busy(mode), "a task is parked")
	t := &task{}
	w.tasks[name] = t
	d.tasks[mode] = t
	go func() { t.result.Store(t.run(kind, d.desc, d.fd, mode, bytes)) }()
}

func setDeadline(d *descriptor, mode int, word string) {
	deadline := int64(0)
	switch word {
	case "none":
	case "past":
		deadline = -1
	default:
		const most = math.MaxInt64 / int64(time.Millisecond)
		deadline = math.MaxInt64
		if millis := number(word, 1, math.MaxInt64); millis <= most {
			deadline = millis * int64(time.Millisecond)
		}
	}
	if !d.unblocked {
		pollSetDeadline(d.desc, deadline, mode)
	}
}

func (w *world) end(d *descriptor, verb, name string) {
	switch verb {
	case "peer-close":
		check(d.peer >= 0, "the peer is closed")
		syscall.Close(d.peer)
		d.peer = -1
	case "peer-shutdown":
		check(d.peer >= 0, "the peer is closed")
		syscall.Shutdown(d.peer, syscall.SHUT_WR)
	case "unblock":
		check(!d.unblocked, "unblocked already")
		d.unblocked = true
		pollUnblock(d.desc)
	case "close":
		check(d.unblocked && !d.busy('r') && !d.busy('w'), "not to be closed")
		pollClose(d.desc)
		syscall.Close(d.fd)
		if d.peer >= 0 {
			syscall.Close(d.peer)
		}
		delete(w.descriptors, name)
	}
}
