// SPDX-License-Identifier: Apache-2.0
//
// poll(2): any answers to what was asked, and a count that may be wrong.
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {
namespace {

// What the next poll meets: so many interrupts, then these answers. A call
// after that finds nothing, and if it has no limit, a break.
struct PollScript {
  short answers[kDescriptors] = {};
  short of_pipe = 0;
  int miscount = 0;
  int interrupts = 0;
  int interrupt = -EINTR;
  bool without_ppoll = false;
  bool answered = false;
  bool told = false;
  int waits = 0;
  int drains = 0;
  bool broken = false;
  std::function<void()> do_break;
};

// Live while a run does; one thread.
PollScript& script() {
  static PollScript instance;
  return instance;
}
int bytes_in_pipe = 0;

struct FuzzedPoll {
  static constexpr std::size_t kMostAsked = SIZE_MAX;
  static constexpr int kPipe = 3;

  static int Pipe(int* ends) {
    ends[0] = kPipe;
    ends[1] = kPipe + 1;
    bytes_in_pipe = 0;
    return 0;
  }
  static int Poll(pollfd* fds, std::size_t size, int millis) {
    return Answer(fds, size, millis < 0);
  }
  static int Ppoll(pollfd* fds, std::size_t size, const timespec*) {
    if (script().without_ppoll) return -ENOSYS;
    return Answer(fds, size, false);
  }
  static int Read(int, void*, std::size_t size) {
    if (!script().broken) ++script().drains;
    if (bytes_in_pipe == 0) return -EAGAIN;
    const int count = std::min(bytes_in_pipe, static_cast<int>(size));
    bytes_in_pipe -= count;
    return count;
  }
  static int Write(int, const void*, std::size_t) {
    ++bytes_in_pipe;
    return 1;
  }
  static void Close(int) {}

 private:
  static int Answer(pollfd* fds, std::size_t size, bool forever) {
    PollScript& now = script();
    CountWait(now.waits);
    if (now.interrupts > 0) {
      --now.interrupts;
      return now.interrupt;
    }
    const bool first = !now.answered;
    now.answered = true;
    if (!first && forever) {
      now.broken = true;
      now.do_break();
      Require(bytes_in_pipe > 0, "a break does not end the poll");
    }
    int count = 0;
    for (std::size_t i = 0; i < size; ++i) {
      fds[i].revents = AnswerFor(fds[i].fd, first);
      count += fds[i].revents != 0 ? 1 : 0;
    }
    if (!first) return count;
    now.told = now.miscount >= 0;
    return std::max(0, count + now.miscount);
  }

  static short AnswerFor(int fd, bool first) {
    if (fd == kPipe) {
      const int level = bytes_in_pipe > 0 ? POLLIN : 0;
      return static_cast<short>(level | (first ? script().of_pipe : 0));
    }
    Require(fd >= kFirstFd && fd < kFirstFd + kDescriptors,
            "asked about what is not open");
    return first ? script().answers[fd - kFirstFd] : short{0};
  }
};

struct PollTarget {
  using Backend = PollBackend<StdEnv, FuzzedPoll>;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr bool kTellsDrains = true;

  template <class Poller>
  static Reported Load(Bytes& bytes, const Keys& keys, Poller& poller) {
    script() = PollScript{};
    PollScript& next = script();
    next.do_break = [&poller] { poller.Break(); };
    next.without_ppoll = bytes.Below(8) == 0;
    next.interrupts = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    next.interrupt = bytes.Below(2) == 0 ? -EINTR : -EAGAIN;
    if (bytes.Below(8) == 0) {
      next.miscount = static_cast<std::int8_t>(bytes.Byte());
    }
    // Whoever closed the pipe stops the process.
    if (bytes.Below(4) == 0) {
      next.of_pipe = static_cast<short>(bytes.Word() & ~unsigned{POLLNVAL});
    }
    if (bytes.Below(4) == 0) poller.Break();
    Reported reported;
    reported.most_waits = 2 + next.interrupts;
    if (next.of_pipe != 0 || bytes_in_pipe > 0) {
      reported.events.push_back({kWakeKey, 0});
    }
    for (int i = 0; i < kDescriptors; ++i) {
      next.answers[i] = DrawAnswer(bytes);
      if (next.answers[i] == 0) continue;
      reported.events.push_back({keys.live[i], Wakes(next.answers[i])});
    }
    return reported;
  }

  static bool told() { return script().told; }
  static int waits() { return script().waits; }
  static int drains() { return script().drains; }

 private:
  static short DrawAnswer(Bytes& bytes) {
    switch (bytes.Below(4)) {
      case 0:
        return static_cast<short>(bytes.Word());
      case 1:
        return static_cast<short>(bytes.Byte() & 0x3f);
      default:
        return 0;
    }
  }

  // By the manual page; and what it does not tell of wakes everybody, so that
  // the poller doesn't meet it again and again.
  static unsigned Wakes(short answer) {
    unsigned wakes = 0;
    if ((answer & POLLIN) != 0 || (answer & POLLRDHUP) != 0) wakes |= 1;
    if ((answer & POLLOUT) != 0) wakes |= 2;
    if ((answer & (POLLHUP | POLLERR | POLLNVAL)) != 0) wakes |= 3;
    return wakes == 0 ? 3 : wakes;
  }
};

}  // namespace

NETPOLL_FUZZ_DECODE(PollTarget);

}  // namespace netpoll::fuzz
