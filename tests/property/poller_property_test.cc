// SPDX-License-Identifier: Apache-2.0
//
// Random commands on a whole Poller against the reference model, on the fake
// under each trigger, calm and with an adversary, and on real sockets. After
// every command everything is compared (lockstep.h), and after a Settle nobody
// sleeps whose system call would succeed. A failure is shrunk, the adversary
// too, and printed as a list of commands with the disturbances that it needs.
//
// Events that the adversary invents reach the model as well, so the comparison
// stays exact; what an adversary puts at risk is the law about sleepers.
//
// Seed and counts are in the target's environment (RC_PARAMS), so that a run
// is repeatable.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/lockstep.h"
#include "netpoll/tests/property/adversaries.h"
#include "netpoll/tests/property/commands.h"
#include "netpoll/tests/property/worlds.h"
#include "netpoll/tests/shims/every_backend.h"
#include "rapidcheck.h"

namespace netpoll {
namespace {

using model::reference::Lockstep;
using model::reference::Phase;

// How often each command was carried out, not only drawn, and each disturbance
// happened.
struct Coverage {
  std::map<Do, int> commands;
  int happened[kFakeDisturbances] = {};
};

template <class World>
class Run {
 public:
  using Steps = Lockstep<typename World::Backend>;
  using Conn = typename Steps::Conn;

  Run(const FakeAdversary& adversary, Coverage& coverage)
      : world_(adversary), steps_(world_.poller, kConns), coverage_(coverage) {
    steps_.set_may_fail(adversary.percent(FakeDisturbance::kOpenFails) != 0 ||
                        adversary.percent(FakeDisturbance::kCloseFails) != 0);
    for (unsigned i = 0; i < kConns; ++i) Open(steps_.conn(i));
  }

  // The first thing that is wrong, or empty.
  const std::string& error() const {
    return steps_.error().empty() ? error_ : steps_.error();
  }

  void Apply(const Command& command) {
    if (Carry(command)) ++coverage_.commands[command.what];
  }

  void End() {
    for (unsigned i = 0; i < kConns; ++i) {
      Conn& conn = steps_.conn(i);
      if (conn.desc == nullptr) continue;
      steps_.End(conn);
      world_.Destroy(conn.fd);
    }
    for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
      coverage_.happened[i] += world_.happened(static_cast<FakeDisturbance>(i));
    }
  }

 private:
  void Open(Conn& conn) {
    const Fd fd = world_.Make();
    steps_.Open(conn, fd);
    if (conn.desc == nullptr) world_.Destroy(fd);
  }

  static Mode Direction(Mode mode) {
    return mode == Mode::kReadWrite ? Mode::kRead : mode;
  }

  // False if the command is not allowed now: then nothing was done.
  bool Carry(const Command& command) {
    Conn& conn = steps_.conn(command.conn);
    if (conn.desc == nullptr && command.what <= Do::kUnblock &&
        command.what != Do::kPoll && command.what != Do::kSettle &&
        command.what != Do::kAdvance) {
      return false;
    }
    const Mode direction = Direction(command.mode);
    switch (command.what) {
      case Do::kTry:
        return steps_.CanBegin(conn, direction) && Try(conn, direction);
      case Do::kPrepareUntilReady:
        if (!steps_.CanBegin(conn, direction)) return false;
        tried_.erase(&conn.task(direction));
        steps_.Prepare(conn, direction, true);
        return true;
      case Do::kStep:
        if (!steps_.CanStep(conn, direction)) return false;
        steps_.Step(conn, direction);
        return true;
      case Do::kDeadline:
        steps_.SetDeadline(conn, command.mode, command.when);
        return true;
      case Do::kUnblock:
        if (!steps_.CanUnblock(conn)) return false;
        steps_.Unblock(conn);
        return true;
      case Do::kCloseOrOpen:
        return conn.idle() && CloseOrOpen(conn);
      default:
        return CarryOutside(command, conn);
    }
  }

  // What is done to the world, not to the poller.
  bool CarryOutside(const Command& command, Conn& conn) {
    switch (command.what) {
      case Do::kPoll:
        // Some may block, for no time to speak of.
        steps_.Poll(Delta::AtMost(
            std::chrono::nanoseconds(command.number % 4 == 0 ? 1 : 0)));
        return true;
      case Do::kSettle:
        return Settle();
      case Do::kPeerWrites:
        world_.PeerWrites(conn.fd);
        return true;
      case Do::kPeerReads:
        world_.PeerReads(conn.fd);
        return true;
      case Do::kPeerCloses:
        world_.PeerCloses(conn.fd);
        return true;
      case Do::kAdvance:
        steps_.Advance(command.number);
        return true;
      case Do::kStale:
        return Stale(conn);
      default:
        world_.Disturb(command.number);
        return true;
    }
  }

  bool Stale(Conn& conn) {
    const EventKey key = conn.desc == nullptr ? conn.key : conn.old_key;
    return key.valid_slot() && world_.Stale(key);
  }

  bool Try(Conn& conn, Mode direction) {
    if (steps_.Reset(conn, direction) != PollError::kNone) return true;
    const bool done =
        direction == Mode::kRead ? world_.Read(conn.fd) : world_.Write(conn.fd);
    if (done) return true;
    world_.WouldBlock(conn.fd, direction);
    tried_[&conn.task(direction)] = true;
    steps_.Prepare(conn, direction);
    return true;
  }

  bool CloseOrOpen(Conn& conn) {
    if (conn.desc == nullptr) {
      Open(conn);
      return true;
    }
    if (steps_.CanUnblock(conn)) steps_.Unblock(conn);
    steps_.Close(conn);
    world_.Destroy(conn.fd);
    return true;
  }

  // Polls until the system has nothing more to say; then nobody may sleep
  // whose call, having found nothing before, would succeed now.
  bool Settle() {
    world_.Calm();
    int quiet = 0;
    for (int polls = 0; quiet < 2 && polls < 500; ++polls) {
      quiet = world_.Quiet(steps_.Poll()) ? quiet + 1 : 0;
    }
    if (quiet < 2 && error_.empty()) error_ = "events without end";
    for (unsigned i = 0; i < kConns; ++i) {
      Conn& conn = steps_.conn(i);
      if (conn.desc == nullptr) continue;
      CheckAwake(conn, Mode::kRead, world_.CanRead(conn.fd));
      CheckAwake(conn, Mode::kWrite, world_.CanWrite(conn.fd));
    }
    return true;
  }

  void CheckAwake(Conn& conn, Mode direction, bool would_succeed) {
    const auto& task = conn.task(direction);
    if (would_succeed && task.phase == Phase::kParked &&
        tried_.count(&task) != 0 && error_.empty()) {
      error_ = "readiness was lost: a task sleeps whose call would succeed";
    }
  }

  World world_;
  Steps steps_;
  Coverage& coverage_;
  std::map<const Waiter*, bool> tried_;
  std::string error_;
};

template <class TheWorld, bool kAdversary>
struct Setting {
  using World = TheWorld;
  static constexpr bool kHasAdversary = kAdversary;
};
template <FakeTrigger kTrigger, bool kAdversary>
using Fake = Setting<FakeWorld<kTrigger>, kAdversary>;
template <class Backend>
using Sockets = Setting<SocketWorld<Backend>, false>;

// Without user events, and with half as many bits for the key.
struct KqueueByPipe : KqueueBackend<StdEnv, KqueueSys, PipeWaker, 32> {
  static constexpr const char* kName = "kqueue_by_pipe";
};

template <class Setting>
class PollerPropertyTest : public testing::Test {};

struct SettingNames {
  template <class Setting>
  static std::string GetName(int) {
    std::string name = Setting::World::kName;
    return name + (Setting::kHasAdversary ? "Adversary" : "");
  }
};
using Settings = TypesOf<
    EveryBackend, Sockets, Sockets<KqueueByPipe>,
    Fake<FakeTrigger::kEdgeMask, false>, Fake<FakeTrigger::kEdgeFilter, false>,
    Fake<FakeTrigger::kLevel, false>, Fake<FakeTrigger::kCompletion, false>,
    Fake<FakeTrigger::kEdgeMask, true>, Fake<FakeTrigger::kEdgeFilter, true>,
    Fake<FakeTrigger::kLevel, true>, Fake<FakeTrigger::kCompletion, true>>;
TYPED_TEST_SUITE(PollerPropertyTest, Settings, SettingNames);

void CheckCoverage(const Coverage& coverage) {
  int total = 0;
  for (const auto& [what, count] : coverage.commands) {
    total += count;
    std::printf("%s %d  ", kDoNames[static_cast<int>(what)], count);
  }
  std::printf("\n%d commands carried out\n", total);
  EXPECT_GE(coverage.commands.size(), 13u) << "a command was never carried out";
}

// Each disturbance happened where it is allowed. Two events of a descriptor
// that must be armed for each are hardly ever on their way together.
template <FakeTrigger kTrigger>
void CheckDisturbances(const Coverage& coverage) {
  for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
    const auto what = static_cast<FakeDisturbance>(i);
    const bool happened = coverage.happened[i] > 0;
    std::printf("%s %d  ", Name(what), coverage.happened[i]);
    const bool rare = kTrigger == FakeTrigger::kLevel &&
                      what == FakeDisturbance::kMerge && !happened;
    EXPECT_TRUE(rare || happened == Allowed(kTrigger, what)) << Name(what);
  }
  std::printf("\n");
}

TYPED_TEST(PollerPropertyTest, AnyCommandsAgreeWithTheReference) {
  using World = typename TypeParam::World;
  if constexpr (requires { World::WhyMissing(); }) {
    if (const char* const why = World::WhyMissing()) GTEST_SKIP() << why;
  }
  Coverage coverage;
  const bool holds = rc::check("commands agree with the reference", [&] {
    const FakeAdversary adversary =
        TypeParam::kHasAdversary ? *Adversaries() : FakeAdversary{};
    const auto commands = *rc::gen::container<std::vector<Command>>(Commands());
    Run<World> run(adversary, coverage);
    for (const Command& command : commands) {
      run.Apply(command);
      if (!run.error().empty()) break;
    }
    const bool ended = run.error().empty();
    run.End();
    RC_LOG() << run.error() << (ended ? " (while ending)" : "") << "\n";
    RC_ASSERT(run.error().empty());
  });
  EXPECT_TRUE(holds);
  CheckCoverage(coverage);
  if constexpr (TypeParam::kHasAdversary) {
    CheckDisturbances<World::kTrigger>(coverage);
  }
}

}  // namespace
}  // namespace netpoll
