// SPDX-License-Identifier: Apache-2.0
//
// Tasks: goroutines that block in Go's poller.

package main

import (
	"strconv"
	"sync/atomic"
	"syscall"
)

type task struct {
	result atomic.Value // A string, once it has ended.
}

func (t *task) parked() bool { return t.result.Load() == nil }

func (t *task) state() string {
	if result := t.result.Load(); result != nil {
		return result.(string)
	}
	return "parked"
}

// run does what the statements wait, reader and writer say.
func (t *task) run(kind string, desc uintptr, fd, mode, bytes int) string {
	if kind == "wait" {
		return pollErrors[pollWait(desc, mode)]
	}
	if e := pollReset(desc, mode); e != 0 {
		return pollErrors[e]
	}
	for moved := 0; ; {
		call := uintptr(syscall.SYS_READ)
		if kind == "writer" {
			call = syscall.SYS_WRITE
		}
		result := rawCall(call, fd, bytes-moved)
		switch {
		case result.errno == syscall.EAGAIN:
			if e := pollWait(desc, mode); e != 0 {
				return pollErrors[e]
			}
		case result.errno != 0:
			return errnoName(result.errno)
		case kind == "reader" && result.bytes == 0:
			return "eof"
		case kind == "reader":
			return strconv.Itoa(result.bytes)
		default:
			if moved += result.bytes; moved == bytes {
				return strconv.Itoa(moved)
			}
		}
	}
}
