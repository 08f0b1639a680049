// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the io_uring backend, one by one, so that a test can let
// each of them fail. Each returns a value >= 0, or -errno. From the kernel's
// header alone: nothing is linked.

#ifndef NETPOLL_BACKENDS_IO_URING_IO_URING_SYS_H_
#define NETPOLL_BACKENDS_IO_URING_IO_URING_SYS_H_

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"
#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {

struct IoUringSys {
  static int Result(long value) {
    return value < 0 ? -errno : static_cast<int>(value);
  }

  // The descriptor is close-on-exec.
  static int Setup(unsigned entries, io_uring_params* params) {
    const long made = ::syscall(SYS_io_uring_setup, entries, params);
    return Result(AboveStdio(static_cast<int>(made)));
  }
  static int Enter(int ring, unsigned submit, unsigned wait, unsigned flags,
                   const io_uring_getevents_arg* arg) {
    return Result(::syscall(SYS_io_uring_enter, ring, submit, wait, flags, arg,
                            arg == nullptr ? 0 : sizeof(*arg)));
  }
  static int Register(int ring, unsigned what, void* arg, unsigned count) {
    return Result(::syscall(SYS_io_uring_register, ring, what, arg, count));
  }
  static int Map(int ring, std::uint64_t offset, std::size_t size, void** at) {
    *at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_POPULATE, ring, static_cast<off_t>(offset));
    return *at == MAP_FAILED ? -errno : 0;
  }
  static void Unmap(void* at, std::size_t size) { ::munmap(at, size); }
  // Does not block.
  static int Poll(pollfd* asked, unsigned count) {
    return Result(::poll(asked, count, 0));
  }
  static void Close(int fd) { ::close(fd); }
  // Sleeps, or less if a signal comes.
  static void Pause(std::int64_t nanos) {
    const timespec limit =
        TimeLimit(Delta::AtMost(std::chrono::nanoseconds(nanos)));
    ::nanosleep(&limit, nullptr);
  }
  // Tells the calling thread from every other: from those that have ended too,
  // whose handles and numbers the system gives out again.
  static std::uint64_t Thread() {
    static StdEnv::Atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t number =
        last.FetchAdd("uring.thread", 1, Order::kRelaxed) + 1;
    return number;
  }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_IO_URING_SYS_H_
