// SPDX-License-Identifier: Apache-2.0
//
// What the shim asks of descriptors, and the two that it keeps itself.

#ifndef NETPOLL_TESTS_SHIMS_KQUEUE_FILES_H_
#define NETPOLL_TESTS_SHIMS_KQUEUE_FILES_H_

#include <sys/epoll.h>

#include <cstdint>

namespace netpoll::shim {

// A descriptor that is readable for ever. The process's only one, made before
// main and never closed.
int AlwaysReadable();

// epoll_ctl on `fd` as if it had another number: so one file can be registered
// twice. The second registration goes when the file does, or by this call. 0,
// or an errno. Any thread.
int ControlUnderOtherNumber(int epoll, int op, int fd, epoll_event* event);

// 0, or an errno.
int Control(int epoll, int op, int fd, epoll_event* event);

bool IsOpen(int fd);
bool IsFifo(int fd);
// A pipe, or a FIFO, whose other end is closed.
bool IsEndedPipe(int fd);
// The end of a pipe that is not for reading, or else not for writing.
bool IsOtherEnd(int fd, bool reading);
// Bytes that can be read; 1 for a listening socket.
std::intptr_t Readable(int fd);
// Bytes that fit, about.
std::intptr_t Room(int fd);

}  // namespace netpoll::shim

#endif  // NETPOLL_TESTS_SHIMS_KQUEUE_FILES_H_
