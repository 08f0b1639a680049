// SPDX-License-Identifier: Apache-2.0
//
// Any bits under any key: whatever a kernel reports, the poller stays sane.
//
//   - no waiter wakes without an event that carries its whole key, and none
//     sleeps on if there is one for its direction;
//   - the wake-up is drained for the wake-up's own key, by a blocking poll,
//     and for nothing else;
//   - the delta is the length of the list, the count is what is parked;
//   - whom a task waits for is what the kernel was asked about;
//   - a poll ends.
//
// A target is a backend over system calls that return what the fuzzer says:
//
//   Backend       for a Poller
//   kWakeKey      of its wake-up
//   kTellsDrains  whether drains() can be told
//   Reported Load(Bytes&, const Keys&, poller)
//                 draws what the next poll meets; it may break the poller
//   bool told()   the poll has met all of it: no signal came in between
//   int waits()   system calls that wait, since Load
//   int drains()  wake-ups that were taken, since Load
//   bool Armed(fd, key, direction)
//                 optional: the kernel is asked about it
//
// and NETPOLL_FUZZ_DECODE(Target) makes it the program's fuzz target. A broken
// law stops the process: that is what a fuzzer looks for.

#ifndef NETPOLL_TESTS_FUZZ_DECODE_H_
#define NETPOLL_TESTS_FUZZ_DECODE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/fuzz/bytes.h"

namespace netpoll::fuzz {

inline void Require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "decode: %s\n", law);
  std::abort();
}

// To be called by every system call that waits.
inline void CountWait(int& waits) {
  constexpr int kEndless = 1000;
  Require(++waits < kEndless, "a poll does not end");
}

// What the kernel reports in one poll.
struct Event {
  EventKey key;
  unsigned wakes;  // The directions that it makes ready, as bits of Mode.
};
struct Reported {
  std::vector<Event> events;
  int most_waits = 1;  // Interrupts included.
};

inline constexpr int kDescriptors = 3;
inline constexpr Fd kFirstFd = 500;  // Nobody looks at them.

// Keys worth drawing: of live descriptors and of past ones.
struct Keys {
  std::vector<EventKey> known;
  EventKey live[kDescriptors] = {
      EventKey::FromBits(0), EventKey::FromBits(0),
      EventKey::FromBits(0)};  // Of kFirstFd and so on.
};

// A key out of `keys`, one that differs from it in a bit, or any at all.
inline EventKey DrawKey(Bytes& bytes, const Keys& keys, EventKey wake) {
  const EventKey known =
      keys.known[bytes.Below(static_cast<std::uint32_t>(keys.known.size()))];
  switch (bytes.Below(6)) {
    case 0:
      return EventKey::FromBits(bytes.Long());
    case 1:
      return EventKey::FromBits(known.bits() ^ std::uint64_t{1}
                                                   << bytes.Below(64));
    case 2:
      return EventKey::FromBits(wake.bits() ^ std::uint64_t{1}
                                                  << bytes.Below(64));
    case 3:
      return wake;
    default:
      return known;
  }
}

inline Delta DrawDelta(Bytes& bytes) {
  switch (bytes.Below(3)) {
    case 0:
      return Delta::NonBlocking();
    case 1:
      return Delta::AtMost(std::chrono::nanoseconds(1));
    default:
      return Delta::Forever();
  }
}

// Opens the descriptor of that number in `poller`. Its key is worth drawing.
template <class ThePoller>
typename ThePoller::Desc* OpenDescriptor(ThePoller& poller, int which,
                                         Keys& keys) {
  const auto opened = poller.Open(kFirstFd + which, Pollable::kKnown);
  Require(opened.error == 0, "Open failed");
  const EventKey key =
      EventKey::ForSlot(opened.desc->index(), opened.desc->generation());
  keys.known.push_back(key);
  keys.live[which] = key;
  return opened.desc;
}

template <class Target>
class DecodeRun {
 public:
  DecodeRun(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {
    Require(poller_.Init() == 0, "the backend does not start");
    for (int i = 0; i < kDescriptors; ++i) Open(i);
  }

  void Run() {
    // Each round takes some of the input, so this ends.
    while (!bytes_.empty()) {
      const std::uint32_t what = bytes_.Below(8);
      const auto which = static_cast<int>(bytes_.Below(kDescriptors));
      if (what == 0) Reopen(which);
      if (what == 1 || what == 2) Park(which, Mode::kRead);
      if (what == 3 || what == 4) Park(which, Mode::kWrite);
      if (what >= 4) Poll();
    }
    for (int i = 0; i < kDescriptors; ++i) Close(i);
    Require(poller_.waiters() == 0, "somebody is still counted");
  }

 private:
  using ThePoller = Poller<typename Target::Backend>;
  struct Task : Waiter {
    bool parked = false;
  };
  struct Descriptor {
    typename ThePoller::Desc* desc = nullptr;
    EventKey key = EventKey::FromBits(0);
    Task tasks[2];
    Task& task(Mode direction) {
      return tasks[direction == Mode::kRead ? 0 : 1];
    }
  };

  void Open(int which) {
    Descriptor& d = descriptors_[which];
    d.desc = OpenDescriptor(poller_, which, keys_);
    d.key = keys_.live[which];
  }

  void Close(int which) {
    Descriptor& d = descriptors_[which];
    PollResult result = poller_.Unblock(d.desc);
    Wake(result);
    Require(!d.tasks[0].parked && !d.tasks[1].parked, "Unblock woke not all");
    poller_.Close(d.desc);
  }

  void Reopen(int which) {
    Close(which);
    Open(which);
  }

  void Park(int which, Mode direction) {
    Descriptor& d = descriptors_[which];
    Task& task = d.task(direction);
    if (task.parked || poller_.Reset(d.desc, direction) != PollError::kNone) {
      return;
    }
    const WaitResult wait = poller_.Park(d.desc, direction, &task);
    task.parked = wait.parked();
    Require(task.parked || wait.error() != PollError::kNone,
            "a task could not park");
  }

  void Poll() {
    const Delta delta = DrawDelta(bytes_);
    const Reported reported = Target::Load(bytes_, keys_, poller_);
    bool expected[kDescriptors][2] = {};
    bool wake = false;
    for (const Event& event : reported.events) {
      wake |= event.key == Target::kWakeKey;
      for (int i = 0; i < kDescriptors; ++i) {
        Descriptor& d = descriptors_[i];
        if (d.key != event.key) continue;
        expected[i][0] |= (event.wakes & 1) != 0 && d.tasks[0].parked;
        expected[i][1] |= (event.wakes & 2) != 0 && d.tasks[1].parked;
      }
    }
    bool before[kDescriptors][2];
    for (int i = 0; i < kDescriptors; ++i) {
      for (int j = 0; j < 2; ++j)
        before[i][j] = descriptors_[i].tasks[j].parked;
    }
    PollResult result = poller_.Poll(delta);
    // A poll that is interrupted may return at once, if it has a limit.
    const bool early = !Target::told();
    Wake(result);
    RequireArmed();
    for (int i = 0; i < kDescriptors; ++i) {
      for (int j = 0; j < 2; ++j) {
        const bool woken = before[i][j] && !descriptors_[i].tasks[j].parked;
        Require(!woken || expected[i][j], "woke without an event of its own");
        Require(woken || !expected[i][j] || early,
                "slept through its own event");
      }
    }
    Require(Target::waits() <= reported.most_waits, "waited again and again");
    if (!Target::kTellsDrains) return;
    const bool drained = Target::drains() != 0;
    Require(!drained || (wake && delta.blocking()),
            "the wake-up was drained for something else");
    Require(drained || !wake || !delta.blocking() || early,
            "the wake-up was not drained");
  }

  void RequireArmed() {
    if constexpr (requires(Fd fd, EventKey key, Mode mode) {
                    Target::Armed(fd, key, mode);
                  }) {
      for (int i = 0; i < kDescriptors; ++i) {
        Descriptor& d = descriptors_[i];
        for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
          Require(!d.task(direction).parked ||
                      Target::Armed(kFirstFd + i, d.key, direction),
                  "somebody waits for what the kernel is not asked about");
        }
      }
    }
  }

  void Wake(PollResult& result) {
    std::int32_t length = 0;
    while (Waiter* const waiter = result.ready.Pop()) {
      ++length;
      Task& task = *static_cast<Task*>(waiter);
      Require(task.parked, "woke somebody who was not parked");
      task.parked = false;
      FinishOf(task);
    }
    Require(result.waiters_delta == -length, "the delta is not the length");
    poller_.AdjustWaiters(result.waiters_delta);
    std::int32_t parked = 0;
    for (Descriptor& d : descriptors_) {
      parked += (d.tasks[0].parked ? 1 : 0) + (d.tasks[1].parked ? 1 : 0);
    }
    Require(poller_.waiters() == parked, "the count is not what is parked");
  }

  void FinishOf(const Task& task) {
    for (Descriptor& d : descriptors_) {
      for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
        if (&d.task(direction) != &task) continue;
        Task* const woken = &d.task(direction);
        Require(!poller_.Resume(d.desc, direction, woken).parked(),
                "woken for nothing");
      }
    }
  }

  Bytes bytes_;
  ThePoller poller_;
  Descriptor descriptors_[kDescriptors];
  Keys keys_;
};

}  // namespace netpoll::fuzz

// The entry of fuzzers: each input is one run.
#define NETPOLL_FUZZ_RUN(OneRun)                                  \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, \
                                        std::size_t size);        \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, \
                                        std::size_t size) {       \
    OneRun(data, size).Run();                                     \
    return 0;                                                     \
  }                                                               \
  static_assert(true)

#define NETPOLL_FUZZ_DECODE(Target) \
  NETPOLL_FUZZ_RUN(netpoll::fuzz::DecodeRun<Target>)

#endif  // NETPOLL_TESTS_FUZZ_DECODE_H_
