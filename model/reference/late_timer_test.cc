// SPDX-License-Identifier: Apache-2.0
//
// A timer that fires although it was stopped or moved: every sequence of
// deadlines, reopenings and firings, where whatever was ever armed may still be
// on its way. It expires what is due, at its own time, and nothing else; and
// whatever has a deadline has a timer that comes in time (rows C15 and C19).

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

// Keeps the time for which the timer is armed, and every one for which it was
// and could have been taken just before it was stopped or moved.
struct LateTimers {
  std::optional<std::int64_t> current;
  std::vector<std::int64_t> late;
  int arms = 0;

  bool Arm(void*, std::int64_t when) {
    Stop(nullptr);
    current = when;
    ++arms;
    return true;
  }
  void Stop(void*) {
    if (current) late.push_back(*current);
    current.reset();
  }
};

constexpr const char* kOps[] = {
    "none-r",       "none-w",    "past-r",  "past-w",  "five-r",
    "five-w",       "nine-r",    "five-rw", "nine-rw", "fire-at-once",
    "fire-at-nine", "fire-late", "reopen",
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

  // The heap hands a timer out once: it is gone when it fires. At `now` all
  // that is due by then expires, and nothing else.
  void FireCurrent(std::int64_t now) {
    if (!timers.current || *timers.current > now) return;
    const std::int64_t when = *timers.current;
    timers.current.reset();
    (void)desc.Fire(when, now, Mode::kReadWrite, timers);
    model.Expire(now);
  }

  // They change nothing; but for one of the very time for which the timer is
  // armed now, which is taken for it: at no wrong time, and the other comes
  // for nobody.
  void FireLate() {
    const std::vector<std::int64_t> late = timers.late;
    for (const std::int64_t when : late) {
      const bool same = timers.current == when;
      (void)desc.Fire(when, when, Mode::kReadWrite, timers);
      if (same) {
        model.Expire(when);
        if (timers.current == when) timers.Stop(nullptr);
      }
      ++late_firings;
    }
  }

  void Reopen() {
    (void)desc.Unblock(timers);
    model.Unblock();
    EXPECT_FALSE(timers.current) << "a closed descriptor has a timer";
    FireLate();
    EXPECT_FALSE(timers.current) << "a closed descriptor was given a timer";
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
        return FireCurrent(timers.current.value_or(0));
      case 10:
        return FireCurrent(9);
      case 11:
        return FireLate();
      default:
        return Reopen();
    }
  }

  // Every live deadline has a timer that comes no later.
  bool Covered(Mode direction) const {
    const std::int64_t due = model.Get(direction).deadline;
    if (due == ReferenceDescriptor::kNever) return true;
    return timers.current && *timers.current <= due;
  }

  bool Agrees() const {
    return desc.Ended(Mode::kRead) == model.Ended(Mode::kRead) &&
           desc.Ended(Mode::kWrite) == model.Ended(Mode::kWrite) &&
           Covered(Mode::kRead) && Covered(Mode::kWrite);
  }
};

TEST(LateTimerTest, NothingExpiresButWhatIsDueAndAllOfThatDoes) {
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

// A timeout that is set anew before every operation arms a timer once, until
// that comes.
TEST(LateTimerTest, ADeadlineThatIsLaterTouchesNoTimer) {
  Sequence run;
  for (int i = 0; i < 1000; ++i) {
    (void)run.desc.SetDeadline(Mode::kRead, Deadline::At(5 + i), run.timers);
    (void)run.desc.SetDeadline(Mode::kWrite, Deadline::At(7 + i), run.timers);
    (void)run.desc.SetDeadline(Mode::kWrite, Deadline::None(), run.timers);
  }
  EXPECT_EQ(run.timers.arms, 1);
  EXPECT_EQ(run.timers.current, 5);
  run.timers.current.reset();
  const DeadlineResult came = run.desc.Fire(5, 5, Mode::kReadWrite, run.timers);
  EXPECT_TRUE(came.earliest_moved) << "the caller is told of the new time";
  EXPECT_EQ(run.desc.Ended(Mode::kRead), PollError::kNone);
  EXPECT_EQ(run.timers.arms, 2);
  EXPECT_EQ(run.timers.current, 1004);
}

}  // namespace
}  // namespace netpoll::model::reference
