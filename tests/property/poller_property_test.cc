// SPDX-License-Identifier: Apache-2.0
//
// Random commands on a whole Poller against the reference model, on the fake
// under each trigger and on real sockets. After every command everything is
// compared (lockstep.h), and after a Settle nobody sleeps whose system call
// would succeed. A failure is shrunk and printed as a list of commands.
//
// Seed and counts are in the target's environment (RC_PARAMS), so that a run
// is repeatable.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/types.h"
#include "netpoll/model/reference/lockstep.h"
#include "netpoll/tests/property/worlds.h"
#include "rapidcheck.h"

namespace netpoll {
namespace {

using reference::Lockstep;
using reference::Phase;
using reference::When;

enum class Do : std::uint8_t {
  kTry,  // Reset, the system call, and Prepare if that would block.
  kPrepareUntilReady,
  kStep,
  kPoll,
  kSettle,
  kPeerWrites,
  kPeerReads,
  kPeerCloses,
  kDeadline,
  kAdvance,
  kUnblock,
  kCloseOrOpen,
  kStale,
  kDisturb,
};
constexpr const char* kDoNames[] = {
    "Try",        "PrepareUntilReady", "Step",       "Poll",     "Settle",
    "PeerWrites", "PeerReads",         "PeerCloses", "Deadline", "Advance",
    "Unblock",    "CloseOrOpen",       "Stale",      "Disturb",
};

struct Command {
  Do what;
  unsigned conn;
  Mode mode;  // A direction, or both for a deadline.
  When when;
  unsigned number;
};

// As the counterexample prints it: "Deadline(conn 1, write, soon)".
std::ostream& operator<<(std::ostream& out, const Command& c) {
  constexpr const char* kModes[] = {"", "read", "write", "both"};
  constexpr const char* kWhens[] = {"none", "past", "soon", "later", "never"};
  out << kDoNames[static_cast<int>(c.what)] << "(conn " << c.conn;
  if (c.what <= Do::kStep || c.what == Do::kDeadline) {
    out << ", " << kModes[static_cast<int>(c.mode)];
  }
  if (c.what == Do::kDeadline) out << ", " << kWhens[static_cast<int>(c.when)];
  if (c.what == Do::kAdvance || c.what == Do::kDisturb) {
    out << ", " << c.number;
  }
  return out << ")";
}

constexpr unsigned kConns = 3;

rc::Gen<Command> Commands() {
  const auto what = rc::gen::weightedElement<Do>({
      {12, Do::kTry},
      {2, Do::kPrepareUntilReady},
      {14, Do::kStep},
      {6, Do::kPoll},
      {4, Do::kSettle},
      {6, Do::kPeerWrites},
      {4, Do::kPeerReads},
      {1, Do::kPeerCloses},
      {7, Do::kDeadline},
      {4, Do::kAdvance},
      {2, Do::kUnblock},
      {5, Do::kCloseOrOpen},
      {2, Do::kStale},
      {2, Do::kDisturb},
  });
  return rc::gen::construct<Command>(
      what, rc::gen::inRange(0u, kConns),
      rc::gen::element(Mode::kRead, Mode::kWrite, Mode::kReadWrite),
      rc::gen::element(When::kNone, When::kPast, When::kSoon, When::kLater,
                       When::kNever),
      rc::gen::inRange(0u, 30u));
}

// How often each command was carried out, not only drawn.
using Coverage = std::map<Do, int>;

template <class World>
class Run {
 public:
  using Steps = Lockstep<typename World::Backend>;
  using Conn = typename Steps::Conn;

  explicit Run(Coverage& coverage)
      : steps_(world_.poller, kConns), coverage_(coverage) {
    for (unsigned i = 0; i < kConns; ++i) {
      steps_.Open(steps_.conn(i), world_.Make());
    }
  }

  // The first thing that is wrong, or empty.
  const std::string& error() const {
    return steps_.error().empty() ? error_ : steps_.error();
  }

  void Apply(const Command& command) {
    if (Carry(command)) ++coverage_[command.what];
  }

  void End() {
    for (unsigned i = 0; i < kConns; ++i) {
      Conn& conn = steps_.conn(i);
      if (conn.desc == nullptr) continue;
      steps_.End(conn);
      world_.Destroy(conn.fd);
    }
  }

 private:
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
        steps_.Poll();
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
    tried_[&conn.task(direction)] = true;
    steps_.Prepare(conn, direction);
    return true;
  }

  bool CloseOrOpen(Conn& conn) {
    if (conn.desc == nullptr) {
      steps_.Open(conn, world_.Make());
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
    for (int quiet = 0, polls = 0; quiet < 2 && polls < 50; ++polls) {
      quiet = steps_.Poll() == 0 ? quiet + 1 : 0;
    }
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

template <class World>
class PollerPropertyTest : public testing::Test {};

struct WorldNames {
  template <class World>
  static std::string GetName(int index) {
    constexpr const char* kNames[] = {
        "FakeEdgeMask",       "FakeEdgeFilter", "FakeLevel", "FakeAdversary",
        "FakeLevelAdversary", "Epoll",          "IoUring"};
    return kNames[index];
  }
};
using Worlds =
    testing::Types<FakeWorld<FakeTrigger::kEdgeMask, false>,
                   FakeWorld<FakeTrigger::kEdgeFilter, false>,
                   FakeWorld<FakeTrigger::kLevel, false>,
                   FakeWorld<FakeTrigger::kEdgeFilter, true>,
                   FakeWorld<FakeTrigger::kLevel, true>,
                   SocketWorld<EpollBackend<>>, SocketWorld<IoUringBackend<>>>;
TYPED_TEST_SUITE(PollerPropertyTest, Worlds, WorldNames);

TYPED_TEST(PollerPropertyTest, AnyCommandsAgreeWithTheReference) {
  if constexpr (requires { TypeParam::WhyMissing(); }) {
    if (const char* const why = TypeParam::WhyMissing()) GTEST_SKIP() << why;
  }
  Coverage coverage;
  const bool holds = rc::check("commands agree with the reference", [&] {
    const auto commands = *rc::gen::container<std::vector<Command>>(Commands());
    Run<TypeParam> run(coverage);
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
  int total = 0;
  for (const auto& [what, count] : coverage) {
    total += count;
    std::printf("%s %d  ", kDoNames[static_cast<int>(what)], count);
  }
  std::printf("\n%d commands carried out\n", total);
  EXPECT_GE(coverage.size(), 13u) << "a command was never carried out";
}

}  // namespace
}  // namespace netpoll
