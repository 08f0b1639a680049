// SPDX-License-Identifier: Apache-2.0
//
// Timers that fire although they were stopped or moved: every sequence of
// deadlines, reopenings and firings, where any timer that was ever armed may
// still be on its way. A firing counts exactly if nothing came after its
// arming; otherwise it changes nothing (rows C15 and C19).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/reference_descriptor.h"

namespace netpoll::model::reference {
namespace {

struct Armed {
  Mode serves;
  std::int64_t when;
  std::uint32_t seq;
};

// Keeps what is armed, and everything that was and could have been dequeued
// just before it was stopped or moved.
struct LateTimers {
  std::optional<Armed> current[2];
  std::vector<Armed> late;

  bool Arm(void*, int which, std::int64_t when, Mode serves,
           std::uint32_t seq) {
    Stop(nullptr, which);
    current[which] = Armed{serves, when, seq};
    return true;
  }
  void Stop(void*, int which) {
    if (current[which]) late.push_back(*current[which]);
    current[which].reset();
  }
};

constexpr const char* kOps[] = {
    "none-r",      "none-w",    "past-r",  "past-w",  "five-r",
    "five-w",      "nine-r",    "five-rw", "nine-rw", "fire-current",
    "fire-second", "fire-late", "reopen",
};
constexpr int kOpCount = sizeof(kOps) / sizeof(kOps[0]);

struct Sequence {
  PollDesc<StdEnv> desc{0};
  LateTimers timers;
  ReferenceDescriptor model;
  std::uint64_t late_firings = 0;

  Sequence() {
    desc.Open(3);
    model.Open();
  }

  void Set(Mode mode, std::int64_t when) {
    const bool read = mode != Mode::kWrite;
    const bool write = mode != Mode::kRead;
    if (when < 0) {
      (void)desc.SetDeadline(mode, Deadline::Past(), timers);
      model.PassDeadline(read, write);
    } else {
      (void)desc.SetDeadline(
          mode, when == 0 ? Deadline::None() : Deadline::At(when), timers);
      model.SetDeadline(read, write,
                        when == 0 ? ReferenceDescriptor::kNever : when);
    }
  }

  // The heap hands a timer out once: it is gone when it fires.
  void FireCurrent(int which) {
    if (!timers.current[which]) return;
    const Armed armed = *timers.current[which];
    timers.current[which].reset();
    (void)desc.Fire(armed.serves, armed.seq, timers);
    model.PassDeadline(armed.serves != Mode::kWrite,
                       armed.serves != Mode::kRead);
  }

  void FireLate() {
    for (const Armed& armed : timers.late) {
      (void)desc.Fire(armed.serves, armed.seq, timers);
      ++late_firings;
    }
  }

  void Reopen() {
    (void)desc.Unblock(timers);
    model.Unblock();
    FireLate();
    desc.Retire();
    desc.Open(4);
    model.Close();
    model.Open();
  }

  void Apply(int op) {
    constexpr Mode kBoth = Mode::kReadWrite;
    switch (op) {
      case 0:
        return Set(Mode::kRead, 0);
      case 1:
        return Set(Mode::kWrite, 0);
      case 2:
        return Set(Mode::kRead, -1);
      case 3:
        return Set(Mode::kWrite, -1);
      case 4:
        return Set(Mode::kRead, 5);
      case 5:
        return Set(Mode::kWrite, 5);
      case 6:
        return Set(Mode::kRead, 9);
      case 7:
        return Set(kBoth, 5);
      case 8:
        return Set(kBoth, 9);
      case 9:
        return FireCurrent(0);
      case 10:
        return FireCurrent(1);
      case 11:
        return FireLate();
      default:
        return Reopen();
    }
  }

  // Every live deadline has a timer that will expire it, not early and not
  // late; nothing else is armed.
  bool Covered(Mode direction) const {
    const std::int64_t due = model.Get(direction).deadline;
    int serving = 0;
    for (const auto& timer : timers.current) {
      const bool serves = timer && (timer->serves == direction ||
                                    timer->serves == Mode::kReadWrite);
      if (!serves) continue;
      ++serving;
      if (timer->when != due) return false;
    }
    return serving == (due == ReferenceDescriptor::kNever ? 0 : 1);
  }

  bool Agrees() const {
    return desc.Ended(Mode::kRead) == model.Ended(Mode::kRead) &&
           desc.Ended(Mode::kWrite) == model.Ended(Mode::kWrite) &&
           Covered(Mode::kRead) && Covered(Mode::kWrite);
  }
};

TEST(LateTimerTest, OnlyATimerThatIsStillMeantExpires) {
  const int depth = std::getenv("NETPOLL_DEEP") != nullptr ? 6 : 5;
  std::uint64_t sequences = 0;
  std::uint64_t late_firings = 0;
  std::vector<int> digits(depth, 0);
  for (bool more = true; more;) {
    Sequence run;
    std::string shown;
    for (const int digit : digits) {
      run.Apply(digit);
      shown += std::string(kOps[digit]) + " ";
      ASSERT_TRUE(run.Agrees()) << shown;
    }
    ++sequences;
    late_firings += run.late_firings;
    int at = depth;
    while (at > 0 && ++digits[at - 1] == kOpCount) digits[--at] = 0;
    more = at > 0;
  }
  std::printf("%llu sequences of depth %d over %d steps, %llu late firings\n",
              static_cast<unsigned long long>(sequences), depth, kOpCount,
              static_cast<unsigned long long>(late_firings));
}

}  // namespace
}  // namespace netpoll::model::reference
