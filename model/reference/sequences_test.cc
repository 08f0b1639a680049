// SPDX-License-Identifier: Apache-2.0
//
// Every sequence of steps up to a depth, on a whole Poller over the fake
// backend, against the reference model. Each sequence starts on a descriptor
// in a slot that was used before and ends by closing it; a step that its
// phase forbids ends the sequence, and all others with that beginning with it.
// Prints how many sequences that were.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/lockstep.h"

namespace netpoll::model::reference {
namespace {

enum class Kind : std::uint8_t {
  kReset,
  kPrepare,
  kPrepareUntilReady,
  kStep,  // Commit or Finish.
  kEvent,
  kErrorEvent,
  kEndEvent,  // No more edges.
  kStaleEvent,
  kForeignEvent,
  kDeadline,
  kAdvance,
  kUnblock,
  kReopen,
};

struct Op {
  const char* name;
  Kind kind;
  Mode mode = Mode::kRead;
  When when = When::kNone;
};

// One direction, everything that can happen to it.
constexpr Op kOneDirection[] = {
    {"reset", Kind::kReset},
    {"prepare", Kind::kPrepare},
    {"prepare-until-ready", Kind::kPrepareUntilReady},
    {"step", Kind::kStep},
    {"event", Kind::kEvent},
    {"error-event", Kind::kErrorEvent},
    {"end-event", Kind::kEndEvent},
    {"stale-event", Kind::kStaleEvent, Mode::kReadWrite},
    {"no-deadline", Kind::kDeadline, Mode::kRead, When::kNone},
    {"past-deadline", Kind::kDeadline, Mode::kRead, When::kPast},
    {"deadline-soon", Kind::kDeadline, Mode::kRead, When::kSoon},
    {"deadline-later", Kind::kDeadline, Mode::kRead, When::kLater},
    {"deadline-never", Kind::kDeadline, Mode::kRead, When::kNever},
    {"advance", Kind::kAdvance},
    {"unblock", Kind::kUnblock},
    {"reopen", Kind::kReopen},
};

// One direction, what its waits turn on, to a greater depth.
constexpr Op kOneWait[] = {
    {"reset", Kind::kReset},
    {"prepare", Kind::kPrepare},
    {"step", Kind::kStep},
    {"event", Kind::kEvent},
    {"no-deadline", Kind::kDeadline, Mode::kRead, When::kNone},
    {"past-deadline", Kind::kDeadline, Mode::kRead, When::kPast},
    {"deadline-soon", Kind::kDeadline, Mode::kRead, When::kSoon},
    {"advance", Kind::kAdvance},
    {"unblock", Kind::kUnblock},
};

// Both directions, and what ties them together.
constexpr Op kBothDirections[] = {
    {"reset-r", Kind::kReset, Mode::kRead},
    {"reset-w", Kind::kReset, Mode::kWrite},
    {"prepare-r", Kind::kPrepare, Mode::kRead},
    {"prepare-w", Kind::kPrepare, Mode::kWrite},
    {"step-r", Kind::kStep, Mode::kRead},
    {"step-w", Kind::kStep, Mode::kWrite},
    {"event-r", Kind::kEvent, Mode::kRead},
    {"event-w", Kind::kEvent, Mode::kWrite},
    {"event-rw", Kind::kEvent, Mode::kReadWrite},
    {"error-event", Kind::kErrorEvent, Mode::kReadWrite},
    {"stale-event", Kind::kStaleEvent, Mode::kReadWrite},
    {"foreign-event", Kind::kForeignEvent, Mode::kReadWrite},
    {"no-deadline-r", Kind::kDeadline, Mode::kRead, When::kNone},
    {"no-deadline-w", Kind::kDeadline, Mode::kWrite, When::kNone},
    {"past-deadline-r", Kind::kDeadline, Mode::kRead, When::kPast},
    {"past-deadline-rw", Kind::kDeadline, Mode::kReadWrite, When::kPast},
    {"deadline-soon-r", Kind::kDeadline, Mode::kRead, When::kSoon},
    {"deadline-soon-w", Kind::kDeadline, Mode::kWrite, When::kSoon},
    {"deadline-soon-rw", Kind::kDeadline, Mode::kReadWrite, When::kSoon},
    {"deadline-later-r", Kind::kDeadline, Mode::kRead, When::kLater},
    {"advance", Kind::kAdvance},
    {"unblock", Kind::kUnblock},
    {"reopen", Kind::kReopen},
};

// Deadlines alone: the combined timer and its ways in and out.
constexpr Op kDeadlines[] = {
    {"no-r", Kind::kDeadline, Mode::kRead, When::kNone},
    {"no-w", Kind::kDeadline, Mode::kWrite, When::kNone},
    {"no-rw", Kind::kDeadline, Mode::kReadWrite, When::kNone},
    {"past-r", Kind::kDeadline, Mode::kRead, When::kPast},
    {"past-w", Kind::kDeadline, Mode::kWrite, When::kPast},
    {"soon-r", Kind::kDeadline, Mode::kRead, When::kSoon},
    {"soon-w", Kind::kDeadline, Mode::kWrite, When::kSoon},
    {"soon-rw", Kind::kDeadline, Mode::kReadWrite, When::kSoon},
    {"later-r", Kind::kDeadline, Mode::kRead, When::kLater},
    {"later-rw", Kind::kDeadline, Mode::kReadWrite, When::kLater},
    {"advance", Kind::kAdvance},
    {"reopen", Kind::kReopen},
};

template <class Backend>
class Enumeration {
 public:
  using Steps = Lockstep<Backend>;

  // Runs all sequences of `depth` of `ops`; the first failure, or empty.
  template <std::size_t kOps>
  std::string Run(const Op (&ops)[kOps], std::size_t depth) {
    std::vector<std::size_t> digits(depth, 0);
    for (;;) {
      std::string error;
      const std::size_t used = RunOne(ops, digits, &error);
      if (!error.empty()) return Show(ops, digits, used) + ": " + error;
      // The odometer: the last digit that was used moves, the rest restarts.
      std::size_t at = used;
      while (at > 0 && ++digits[at - 1] == kOps) --at;
      if (at == 0) return "";
      for (std::size_t i = at; i < depth; ++i) digits[i] = 0;
    }
  }

  std::uint64_t sequences = 0;
  std::uint64_t steps = 0;
  std::uint64_t checks = 0;

 private:
  // The number of digits used: fewer than all if one was not allowed.
  std::size_t RunOne(const Op* ops, const std::vector<std::size_t>& digits,
                     std::string* error) {
    Steps lockstep(poller_, 1);
    auto& conn = lockstep.conn(0);
    lockstep.Open(conn, kernel_.MakeFd());
    Reopen(lockstep, conn);
    std::size_t used = 0;
    bool allowed = true;
    while (used < digits.size() && allowed && lockstep.error().empty()) {
      allowed = Apply(lockstep, conn, ops[digits[used++]]);
      if (allowed) ++steps;
    }
    if (allowed) ++sequences;
    lockstep.End(conn);
    kernel_.CloseFd(conn.fd);
    *error = lockstep.error();
    checks += lockstep.checks();
    return used;
  }

  static std::string Show(const Op* ops, const std::vector<std::size_t>& digits,
                          std::size_t used) {
    std::string text;
    for (std::size_t i = 0; i < used; ++i) {
      text += std::string(i == 0 ? "" : " ") + ops[digits[i]].name;
    }
    return text;
  }

  void Reopen(Steps& lockstep, typename Steps::Conn& conn) {
    if (lockstep.CanUnblock(conn)) lockstep.Unblock(conn);
    lockstep.Close(conn);
    kernel_.CloseFd(conn.fd);
    lockstep.Open(conn, kernel_.MakeFd());
  }

  void Report(Steps& lockstep, EventKey key, Mode mode, EventFlags flags) {
    kernel_.Inject({key, mode, flags});
    lockstep.Poll();
  }

  // False if the step is not allowed now.
  bool Apply(Steps& lockstep, typename Steps::Conn& conn, const Op& op) {
    switch (op.kind) {
      case Kind::kReset:
        if (!lockstep.CanBegin(conn, op.mode)) return false;
        (void)lockstep.Reset(conn, op.mode);
        return true;
      case Kind::kPrepare:
      case Kind::kPrepareUntilReady:
        if (!lockstep.CanBegin(conn, op.mode)) return false;
        lockstep.Prepare(conn, op.mode, op.kind == Kind::kPrepareUntilReady);
        return true;
      case Kind::kStep:
        if (!lockstep.CanStep(conn, op.mode)) return false;
        lockstep.Step(conn, op.mode);
        return true;
      case Kind::kDeadline:
        lockstep.SetDeadline(conn, op.mode, op.when);
        return true;
      case Kind::kAdvance:
        lockstep.Advance(Steps::kSoon);
        return true;
      case Kind::kUnblock:
        if (!lockstep.CanUnblock(conn)) return false;
        lockstep.Unblock(conn);
        return true;
      case Kind::kReopen:
        if (!conn.idle()) return false;
        Reopen(lockstep, conn);
        return true;
      default:
        Report(lockstep, KeyFor(conn, op.kind), op.mode,
               {.error = op.kind == Kind::kErrorEvent,
                .no_more_edges = op.kind == Kind::kEndEvent});
        return true;
    }
  }

  static EventKey KeyFor(const typename Steps::Conn& conn, Kind kind) {
    if (kind == Kind::kStaleEvent) return conn.old_key;
    if (kind == Kind::kForeignEvent) return EventKey::ForSlot(70'000, 1);
    return conn.key;
  }

  FakeKernel<> kernel_;
  typename Steps::ThePoller poller_{kernel_};
};

// One step deeper where there is time, two less where each step is slow.
std::size_t Depth(std::size_t usual) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return usual - 2;
#else
  return std::getenv("NETPOLL_DEEP") != nullptr ? usual + 1 : usual;
#endif
}

template <class Backend, std::size_t kOps>
void RunAll(const char* what, const Op (&ops)[kOps], std::size_t depth) {
  Enumeration<Backend> enumeration;
  // Short ones first, so that a failure shows a shortest sequence.
  for (std::size_t length = 1; length <= depth; ++length) {
    ASSERT_EQ(enumeration.Run(ops, length), "");
  }
  std::printf(
      "%s: %llu sequences of up to %zu of %zu steps, %llu steps, "
      "%llu comparisons\n",
      what, static_cast<unsigned long long>(enumeration.sequences), depth, kOps,
      static_cast<unsigned long long>(enumeration.steps),
      static_cast<unsigned long long>(enumeration.checks));
  EXPECT_GT(enumeration.sequences, 1000u);
}

TEST(SequencesTest, EverySequenceInOneDirectionAgrees) {
  RunAll<FakeBackend<>>("one direction", kOneDirection, Depth(5));
}

TEST(SequencesTest, EverySequenceOfOneWaitAgrees) {
  RunAll<FakeBackend<>>("one wait", kOneWait, Depth(7));
}

TEST(SequencesTest, EverySequenceInBothDirectionsAgrees) {
  RunAll<FakeBackend<>>("both directions", kBothDirections, Depth(5));
}

TEST(SequencesTest, EverySequenceOfDeadlinesAgrees) {
  RunAll<FakeBackend<>>("deadlines", kDeadlines, Depth(6));
}

TEST(SequencesTest, EverySequenceAgreesWhereDirectionsMustBeArmed) {
  RunAll<FakeBackend<StdEnv, FakeTrigger::kLevel>>("armed directions",
                                                   kOneDirection, 5);
}

}  // namespace
}  // namespace netpoll::model::reference
