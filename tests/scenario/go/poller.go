// SPDX-License-Identifier: Apache-2.0
//
// Go's own poller, as its package internal/poll sees it, and raw system calls.

package main

import (
	"strconv"
	"syscall"
	"unsafe"
)

//go:linkname pollServerInit internal/poll.runtime_pollServerInit
func pollServerInit()

//go:linkname pollOpen internal/poll.runtime_pollOpen
func pollOpen(fd uintptr) (uintptr, int)

//go:linkname pollClose internal/poll.runtime_pollClose
func pollClose(desc uintptr)

//go:linkname pollWait internal/poll.runtime_pollWait
func pollWait(desc uintptr, mode int) int

//go:linkname pollReset internal/poll.runtime_pollReset
func pollReset(desc uintptr, mode int) int

// The deadline is in nanoseconds from now: 0 none, below 0 past.
//
//go:linkname pollSetDeadline internal/poll.runtime_pollSetDeadline
func pollSetDeadline(desc uintptr, deadline int64, mode int)

//go:linkname pollUnblock internal/poll.runtime_pollUnblock
func pollUnblock(desc uintptr)

// What Go's poller answers, by number.
var pollErrors = []string{"ok", "closing", "timeout", "not-pollable"}

// Zeros to write, and room to read. Reserved, not filled.
var room, _ = syscall.Mmap(-1, 0, 1<<31, syscall.PROT_READ|syscall.PROT_WRITE,
	syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)

type callResult struct {
	bytes int
	errno syscall.Errno
}

func rawCall(number uintptr, fd, bytes int) callResult {
	for {
		r, _, errno := syscall.Syscall(number, uintptr(fd),
			uintptr(unsafe.Pointer(&room[0])), uintptr(bytes))
		if errno != syscall.EINTR {
			return callResult{int(r), errno}
		}
	}
}

// Repeats a raw call of 64 KiB until it fails or meets the end.
func rawCalls(number uintptr, fd int) callResult {
	for {
		result := rawCall(number, fd, 65536)
		if result.errno != 0 || result.bytes == 0 {
			return result
		}
	}
}

func errnoName(errno syscall.Errno) string {
	switch errno {
	case syscall.EAGAIN:
		return "again"
	case syscall.EBADF:
		return "EBADF"
	case syscall.ECONNRESET:
		return "ECONNRESET"
	case syscall.EMFILE:
		return "EMFILE"
	case syscall.EPIPE:
		return "EPIPE"
	}
	return "errno " + strconv.Itoa(int(errno))
}

func (r callResult) String() string {
	if r.errno != 0 {
		return errnoName(r.errno)
	}
	return strconv.Itoa(r.bytes)
}
