// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/clock.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/plan.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {

After Judge(Round& round, Connection& connection, DeadlineLog& log,
            IoStatus status, const char* what) {
  if (status.ok()) return After::kGoOn;
  if (status.timeout()) {
    round.CheckTimeout(what, log.earliest());
    return After::kTryAgain;
  }
  if (status.closing() &&
      (round.runtime().stopping() ||
       connection.closing.load(std::memory_order_acquire))) {
    return After::kEnd;
  }
  const int error = status.error_number();
  if ((error == EPIPE || error == ECONNRESET) && MayBreak(round, connection)) {
    return After::kEnd;
  }
  round.Wrong(absl::StrCat("a ", what, " ended with ", status.ToString(),
                           " on a connection that nobody broke"));
  return After::kEnd;
}

bool MayBreak(Round& round, const Connection& connection) {
  return connection.plan.broken() || round.runtime().stopping() ||
         round.lenient();
}

void SetDeadline(Connection& connection, Mode mode, Deadline deadline) {
  if (mode == Mode::kRead) {
    connection.reads.Change(
        deadline, [&](Deadline d) { connection.end.in().SetReadDeadline(d); });
  } else {
    connection.writes.Change(deadline, [&](Deadline d) {
      connection.end.out().SetWriteDeadline(d);
    });
  }
}

void DrawDeadline(Connection& connection, Mode mode, Random& random) {
  Deadline deadline;
  switch (random.Below(6)) {
    case 0:
      deadline = Deadline::Past();
      break;
    case 1:
    case 2:
      deadline = Deadline::After(TrueNow(), random.Micros(3'000));
      break;
    case 3:
      deadline = Deadline::After(TrueNow(), std::chrono::seconds(30));
      break;
    default:
      deadline = Deadline::None();
      break;
  }
  SetDeadline(connection, mode, deadline);
}

// Not what TCP receives into: its window is promised already, Linux throws away
// what comes then, and the peer sends it again after seconds.
void Shrink(End& end) {
  static constexpr int kBytes = 4096;
  for (Descriptor* const side : {&end.in(), &end.out()}) {
    side->WithFd([](int fd) {
      ::fcntl(fd, F_SETPIPE_SZ, kBytes);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBytes, sizeof(kBytes));
    });
  }
}

Task<> Dawdle(Round& round, Ledger::Actor& actor, Random& random) {
  if (random.OneIn(2)) {
    actor.Waits("its turn");
    co_await round.runtime().Yield();
    actor.Goes();
    co_return;
  }
  const std::int64_t until =
      TrueNow() + std::chrono::nanoseconds(random.Micros(1'000)).count();
  actor.WaitsUntil("a sleep", until);
  const bool slept = co_await round.runtime().SleepUntil(Deadline::At(until));
  actor.Goes();
  round.Add(Count::kSleeps);
  if (!slept && !round.runtime().stopping()) {
    round.Wrong("a sleep was ended, and the runtime does not stop");
  }
  if (slept && TrueNow() < until) round.Wrong("a sleep was early");
}

namespace {

// One of two that close the same descriptor at once.
Task<> CloseToo(Round& round, Connection& connection, std::uint64_t number) {
  Ledger::Actor actor(round.ledger(), "second closer", number);
  actor.Waits("close");
  static_cast<void>(co_await connection.end.in().Close());
  actor.Goes();
}

Task<> Break(Round& round, Connection& connection, Ledger::Actor& actor) {
  connection.closing.store(true, std::memory_order_release);
  End& end = connection.end;
  const std::uint64_t number = connection.plan.key;
  switch (connection.plan.breaking) {
    case Breaking::kReset:
      end.out().WithFd([](int fd) {
        const linger none{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
      });
      round.Add(Count::kResets);
      end.in().CloseNow();
      break;
    case Breaking::kTwoCloses: {
      JoinHandle<void> other =
          round.runtime().Spawn(CloseToo(round, connection, number));
      actor.Waits("close beside another");
      static_cast<void>(co_await end.in().Close());
      actor.Waits("the other closer");
      co_await std::move(other);
      actor.Goes();
      round.Add(Count::kCloses);
      break;
    }
    case Breaking::kClose:
      actor.Waits("close");
      static_cast<void>(co_await end.in().Close());
      actor.Goes();
      round.Add(Count::kCloses);
      break;
    default:
      end.in().CloseNow();
      round.Add(Count::kCloses);
      break;
  }
  if (end.two()) end.out().CloseNow();
}

Task<> DetachBoth(Round& round, Connection& connection, Ledger::Actor& actor) {
  connection.closing.store(true, std::memory_order_release);
  End& end = connection.end;
  for (int side = 0; side < (end.two() ? 2 : 1); ++side) {
    Descriptor& descriptor = side == 0 ? end.in() : end.out();
    actor.Waits("detach");
    const absl::StatusOr<int> fd = co_await descriptor.Detach();
    actor.Goes();
    if (fd.ok()) {
      connection.detached[static_cast<std::size_t>(side)] = *fd;
      round.Add(Count::kDetaches);
    } else if (!round.runtime().stopping() && side == 0) {
      round.Wrong(absl::StrCat("detach: ", fd.status().ToString()));
    }
  }
}

}  // namespace

Task<> Disturb(Round& round, Connection& connection, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "disturber", seed);
  Random random(seed);
  const bool moves = connection.plan.moved;
  bool acts = connection.breaks() || connection.detaches > 0;
  std::uint64_t waits = random.Below(8);  // Before it acts.
  while ((acts || moves) && !connection.over.load(std::memory_order_acquire) &&
         !round.runtime().stopping()) {
    co_await Dawdle(round, actor, random);
    if (moves) {
      DrawDeadline(connection, Mode::kRead, random);
      DrawDeadline(connection, Mode::kWrite, random);
    }
    if (!acts || waits-- > 0) continue;
    acts = false;
    if (connection.detaches > 0) {
      --connection.detaches;
      co_await DetachBoth(round, connection, actor);
    } else {
      co_await Break(round, connection, actor);
    }
  }
}

}  // namespace netpoll::torture
