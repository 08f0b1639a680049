// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the poll backend, one by one, so that a test can let
// each of them fail. Each returns a value >= 0, or -errno.

#ifndef NETPOLL_BACKENDS_POLL_POLL_SYS_H_
#define NETPOLL_BACKENDS_POLL_POLL_SYS_H_

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/above_stdio.h"

// What POSIX has since 2024, and these systems had before.
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__) || defined(__sun) ||  \
    (defined(_POSIX_VERSION) && _POSIX_VERSION >= 202405L)
#define NETPOLL_POLL_HAS_PIPE2_AND_PPOLL 1
#else
#define NETPOLL_POLL_HAS_PIPE2_AND_PPOLL 0
#endif

namespace netpoll {

// AIX asks about descriptors and message queues in one call: how many there
// are, and how many have an answer, is said in two halves of one number, the
// descriptors' below.
#if defined(_AIX)
inline constexpr bool kPollCountsQueues = true;
#else
inline constexpr bool kPollCountsQueues = false;
#endif
inline constexpr int kPollHalf = 0xffff;

// How many descriptors have an answer, of what poll returned.
constexpr int PollCount(int returned, bool counts_queues) {
  return counts_queues && returned >= 0 ? returned & kPollHalf : returned;
}
static_assert(PollCount(3, false) == 3 && PollCount(-1, false) == -1);
static_assert(PollCount(0x2'0003, true) == 3 && PollCount(-1, true) == -1);
static_assert(PollCount(0x2'0003, false) == 0x2'0003);

struct PollSys {
  // How many one call may be asked about, the wake-up included.
  static constexpr std::size_t kMostAsked =
      kPollCountsQueues ? std::size_t{kPollHalf} : SIZE_MAX;

  static int Result(long value) {
    return value < 0 ? -errno : static_cast<int>(value);
  }

  // Non-blocking, and not inherited. ends[0] is for reading.
  static int Pipe(int* ends) {
#if NETPOLL_POLL_HAS_PIPE2_AND_PPOLL
    const int made = ::pipe2(ends, O_NONBLOCK | O_CLOEXEC);
    return Result(BothAboveStdio(made, ends));
#else
    return PortablePipe(ends);
#endif
  }
  // As Pipe; a child that another thread makes at this moment may inherit it.
  static int PortablePipe(int* ends) {
    if (BothAboveStdio(::pipe(ends), ends) != 0) return -errno;
    for (int i = 0; i < 2; ++i) {
      const int flags = ::fcntl(ends[i], F_GETFL);
      if (flags < 0 || ::fcntl(ends[i], F_SETFL, flags | O_NONBLOCK) < 0 ||
          ::fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0) {
        const int error = errno;
        ::close(ends[0]);
        ::close(ends[1]);
        return -error;
      }
    }
    return 0;
  }
  static int Poll(pollfd* fds, std::size_t count, int millis) {
    return Result(PollCount(::poll(fds, static_cast<nfds_t>(count), millis),
                            kPollCountsQueues));
  }
  // -ENOSYS where the system has none.
  static int Ppoll(pollfd* fds, std::size_t count, const timespec* limit) {
#if NETPOLL_POLL_HAS_PIPE2_AND_PPOLL
    return Result(::ppoll(fds, static_cast<nfds_t>(count), limit, nullptr));
#else
    (void)fds, (void)count, (void)limit;
    return -ENOSYS;
#endif
  }
  static int Read(int fd, void* bytes, std::size_t size) {
    return Result(::read(fd, bytes, size));
  }
  static int Write(int fd, const void* bytes, std::size_t size) {
    return Result(::write(fd, bytes, size));
  }
  static void Close(int fd) { ::close(fd); }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_POLL_SYS_H_
