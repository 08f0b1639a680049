// SPDX-License-Identifier: Apache-2.0
//
// kqueue: any filters and flags under any ident and udata; with either waker,
// and with keys folded to 32 bits.
#include <sys/types.h>
// After sys/types.h, which some systems' version needs.
#include <sys/event.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {
namespace {

// What the next poll meets: so many interrupts, then these events. A call after
// that finds nothing.
struct KqueueScript {
  std::vector<struct kevent> events;
  int interrupts = 0;
  int interrupt = -EINTR;
  int interrupted_changes = 0;
  bool told = false;
  int waits = 0;
  bool woke = false;  // The wake-up was among what was told.
};

// Lives while a run does; one thread.
KqueueScript& script() {
  static KqueueScript instance;
  return instance;
}
bool triggered = false;  // The user event.
int bytes_in_pipe = 0;

struct FuzzedKqueue {
  static constexpr int kPipe = 5;

  static int Kqueue() {
    triggered = false;
    bytes_in_pipe = 0;
    return 3;
  }
  static int Kevent(int, const struct kevent* changes, int change_count,
                    struct kevent* events, int size, const timespec*) {
    return size == 0 ? Change(changes, change_count) : Wait(events, size);
  }
  static int Pipe(int ends[2]) {
    ends[0] = kPipe;
    ends[1] = kPipe + 1;
    return 0;
  }
  static int Fcntl(int, int, int) { return 0; }
  static int Read(int, void*, std::size_t size) {
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
  // Interrupted, they are made all the same.
  static int Change(const struct kevent* changes, int count) {
    for (int i = 0; i < count; ++i) {
      triggered |= changes[i].filter == EVFILT_USER &&
                   (changes[i].fflags & NOTE_TRIGGER) != 0;
    }
    if (script().interrupted_changes == 0) return 0;
    --script().interrupted_changes;
    return -EINTR;
  }

  static int Wait(struct kevent* events, int size) {
    KqueueScript& now = script();
    CountWait(now.waits);
    if (now.interrupts > 0) {
      --now.interrupts;
      return now.interrupt;
    }
    const auto count =
        std::min(now.events.size(), static_cast<std::size_t>(size));
    std::copy_n(now.events.begin(), count, events);
    now.events.clear();
    now.told = true;
    return static_cast<int>(count);
  }
};

template <class BackendT, bool kPipe, bool kFolded>
struct KqueueTarget {
  using Backend = BackendT;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr bool kTellsDrains = true;

  template <class Poller>
  static Reported Load(Bytes& bytes, const Keys& keys, Poller& poller) {
    script() = KqueueScript{};
    KqueueScript& next = script();
    next.interrupts = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    next.interrupt = bytes.Below(2) == 0 ? -EINTR : -ETIMEDOUT;
    next.interrupted_changes = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    if (bytes.Below(4) == 0) poller.Break();
    Reported reported;
    reported.most_waits = 1 + next.interrupts;
    const std::uint32_t count = bytes.Below(8);
    for (std::uint32_t i = 0; i < count; ++i) Draw(bytes, keys, reported);
    if (kPipe ? bytes_in_pipe > 0 : triggered) {
      const std::uint64_t ident = kPipe ? FuzzedKqueue::kPipe : 1;
      const auto filter = kPipe ? EVFILT_READ : EVFILT_USER;
      next.events.push_back(KqueueChange(ident, filter, 0, ToBits(kWakeKey)));
    }
    for (const struct kevent& event : next.events) {
      if (IsWake(event)) reported.events.push_back({kWakeKey, 0});
    }
    next.woke = std::any_of(next.events.begin(), next.events.end(), IsWake);
    // Telling of it uses the user event up; a pipe has to be read.
    if (!kPipe && next.woke) triggered = false;
    if (kPipe && next.woke && bytes_in_pipe == 0) bytes_in_pipe = 1;
    return reported;
  }

  static bool told() { return script().told; }
  static int waits() { return script().waits; }
  static int drains() {
    const bool pending = kPipe ? bytes_in_pipe > 0 : triggered;
    return script().told && script().woke && !pending ? 1 : 0;
  }

 private:
  static std::uint64_t ToBits(EventKey key) {
    return kFolded ? FoldKey(key) : key.bits();
  }

  static bool IsWake(const struct kevent& event) {
    const bool source = kPipe ? event.ident == FuzzedKqueue::kPipe
                              : event.filter == EVFILT_USER;
    return source && FromUdata(event.udata) == ToBits(kWakeKey);
  }

  static void Draw(Bytes& bytes, const Keys& keys, Reported& reported) {
    const std::uint64_t bits = ToBits(DrawKey(bytes, keys, kWakeKey));
    const std::uint64_t ident = DrawIdent(bytes);
    const int filter = DrawFilter(bytes);
    const std::uint32_t flags =
        bytes.Below(4) == 0 ? bytes.Word() & 0xffff : DrawFlags(bytes);
    const struct kevent event = KqueueChange(ident, filter, flags, bits);
    script().events.push_back(event);
    if (IsWake(event)) return;
    for (int i = 0; i < kDescriptors; ++i) {
      // An announcement's number is the descriptor's behind the wake-up's.
      const std::uint64_t before = filter == EVFILT_USER ? 2 : 0;
      const bool is_his =
          static_cast<std::uint64_t>(kFirstFd + i) + before == ident;
      if (ToBits(keys.live[i]) != bits || (kFolded && !is_his)) continue;
      reported.events.push_back({keys.live[i], Wakes(event)});
    }
  }

  static std::uint64_t DrawIdent(Bytes& bytes) {
    switch (bytes.Below(8)) {
      case 0:
        return bytes.Long();
      case 1:
        return FuzzedKqueue::kPipe;
      default:
        return kFirstFd + bytes.Below(kDescriptors);
    }
  }

  static int DrawFilter(Bytes& bytes) {
    switch (bytes.Below(8)) {
      case 0:
        return static_cast<std::int16_t>(bytes.Word());
      case 1:
        return EVFILT_USER;
      case 2:
      case 3:
      case 4:
        return EVFILT_WRITE;
      default:
        return EVFILT_READ;
    }
  }

  static std::uint32_t DrawFlags(Bytes& bytes) {
    constexpr std::uint32_t kFlags[] = {0, EV_CLEAR, EV_EOF, EV_CLEAR | EV_EOF,
                                        EV_ERROR};
    return kFlags[bytes.Below(5)];
  }

  // By the manual page; the end of the stream is everybody's, and so is an
  // announcement.
  static unsigned Wakes(const struct kevent& event) {
    const unsigned both = (event.flags & EV_EOF) != 0 ? 3 : 0;
    if (event.filter == EVFILT_READ) return 1 | both;
    if (event.filter == EVFILT_WRITE) return 2 | both;
    if (event.filter == EVFILT_USER) return 3;
    return 0;
  }
};

using WithUserEvent = KqueueBackend<StdEnv, FuzzedKqueue, UserEventWaker>;
using WithPipe = KqueueBackend<StdEnv, FuzzedKqueue, PipeWaker>;
using Folded = KqueueBackend<StdEnv, FuzzedKqueue, UserEventWaker, 32>;
using FoldedWithPipe = KqueueBackend<StdEnv, FuzzedKqueue, PipeWaker, 32>;

}  // namespace

// The first byte says which.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t* const rest = data + 1;
  switch (data[0] % 4) {
    case 0:
      DecodeRun<KqueueTarget<WithUserEvent, false, false>>(rest, size - 1)
          .Run();
      break;
    case 1:
      DecodeRun<KqueueTarget<WithPipe, true, false>>(rest, size - 1).Run();
      break;
    case 2:
      DecodeRun<KqueueTarget<Folded, false, true>>(rest, size - 1).Run();
      break;
    default:
      DecodeRun<KqueueTarget<FoldedWithPipe, true, true>>(rest, size - 1).Run();
  }
  return 0;
}

}  // namespace netpoll::fuzz
