// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the poll backend, one by one, so that a test can let
// each of them fail. Each returns a value >= 0, or -errno.

#ifndef NETPOLL_BACKENDS_POLL_POLL_SYS_H_
#define NETPOLL_BACKENDS_POLL_POLL_SYS_H_

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/posix/posix_2024.h"
#include "netpoll/backends/posix/wake_pipe.h"

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

  static int Pipe(int* ends) { return MakePipe(ends); }
  static int Poll(pollfd* fds, std::size_t count, int millis) {
    return Result(PollCount(::poll(fds, static_cast<nfds_t>(count), millis),
                            kPollCountsQueues));
  }
  // -ENOSYS where the system has none.
  static int Ppoll(pollfd* fds, std::size_t count, const timespec* limit) {
#if NETPOLL_HAS_POSIX_2024
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
