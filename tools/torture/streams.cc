// SPDX-License-Identifier: Apache-2.0
//
// The two roles on a stream: the server that sends back, and the client that
// verifies.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/connection.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/pattern.h"
#include "netpoll/tools/torture/plan.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {
namespace {

constexpr int kLargest = 18;  // 256 KiB, as a power of two.

// Before an operation: sometimes another deadline. After a timeout the old one
// would end the next operation too.
void Prepare(Connection& connection, Mode mode, Random& random,
             bool timed_out) {
  if (connection.plan.deadlines && random.OneIn(3)) {
    DrawDeadline(connection, mode, random);
  } else if (timed_out) {
    SetDeadline(connection, mode, Deadline::None());
  }
  (mode == Mode::kRead ? connection.reads : connection.writes).Begin();
}

// `bytes` in up to four pieces.
class Pieces {
 public:
  Pieces(std::span<char> bytes, Random& random) {
    const std::size_t most = std::min<std::size_t>(bytes.size(), 1 << 12);
    while (count_ < 3 && bytes.size() > 1) {
      const std::size_t size =
          1 + random.Below(std::max<std::size_t>(most, 2) - 1);
      if (size >= bytes.size()) break;
      pieces_[count_++] = {bytes.data(), size};
      bytes = bytes.subspan(size);
    }
    pieces_[count_++] = {bytes.data(), bytes.size()};
  }
  std::span<iovec> get() { return {pieces_.data(), count_}; }

 private:
  std::array<iovec, 4> pieces_{};
  std::size_t count_ = 0;
};

// Writes all of `bytes`. `done` is what was written when it ends.
Task<After> WriteAll(Round& round, Connection& connection, Ledger::Actor& actor,
                     Random& random, std::span<char> bytes,
                     std::uint64_t* done) {
  DeadlineLog& log = connection.writes;
  bool timed_out = false;
  while (!bytes.empty()) {
    Prepare(connection, Mode::kWrite, random, timed_out);
    IoResult put;
    if (random.OneIn(4)) {
      Pieces pieces(bytes, random);
      actor.Waits("a gathering write", &log.current());
      put = co_await connection.end.out().Writev(pieces.get());
    } else {
      actor.Waits("a write", &log.current());
      put = co_await connection.end.out().Write({bytes.data(), bytes.size()});
    }
    actor.Goes();
    const After after = Judge(round, connection, log, put.status, "write");
    *done += put.bytes;
    if (put.bytes > bytes.size() ||
        (after == After::kGoOn && put.bytes != bytes.size())) {
      round.Wrong(
          absl::StrCat("a write of ", bytes.size(), " bytes says ", put.bytes));
    }
    if (after == After::kEnd) co_return after;
    bytes = bytes.subspan(put.bytes);
    timed_out = after == After::kTryAgain;
  }
  co_return After::kGoOn;
}

// Reads once; `got` of 0 is the end of the stream.
Task<After> ReadSome(Round& round, Connection& connection, Ledger::Actor& actor,
                     Random& random, std::span<char> room, std::size_t* got) {
  DeadlineLog& log = connection.reads;
  bool timed_out = false;
  for (;;) {
    Prepare(connection, Mode::kRead, random, timed_out);
    IoResult result;
    switch (random.Below(8)) {
      case 0: {
        Pieces pieces(room, random);
        actor.Waits("a scattering read", &log.current());
        result = co_await connection.end.in().Readv(pieces.get());
        break;
      }
      case 1:
        actor.Waits("something to read", &log.current());
        result.status = co_await connection.end.in().WaitReadable();
        if (!result.ok()) break;
        [[fallthrough]];
      default:
        actor.Waits("a read", &log.current());
        result = co_await connection.end.in().Read(room);
        break;
    }
    actor.Goes();
    *got = result.bytes;
    const After after = Judge(round, connection, log, result.status, "read");
    if (after != After::kTryAgain) co_return after;
    timed_out = true;
  }
}

// Verifies what was read from the stream.
void Verify(Round& round, Connection& connection, std::span<const char> bytes) {
  const std::uint64_t key = connection.plan.key;
  const char* const who = connection.server ? "server" : "client";
  const std::size_t right = RightBytes(key, connection.got, bytes);
  if (right != bytes.size()) {
    round.Wrong(absl::StrCat("a ", who, " read a wrong byte at ",
                             connection.got + right, " of ",
                             connection.plan.bytes));
  }
  connection.got += bytes.size();
  if (connection.got > connection.plan.bytes) {
    round.Wrong(absl::StrCat("a ", who, " read ", connection.got, " bytes of ",
                             connection.plan.bytes));
  }
}

void VerifyEnd(Round& round, Connection& connection) {
  connection.ended = true;
  if (connection.got == connection.plan.bytes || MayBreak(round, connection)) {
    return;
  }
  round.Wrong(absl::StrCat(
      "the stream of a ", connection.server ? "server" : "client",
      " ended after ", connection.got, " bytes of ", connection.plan.bytes));
}

Task<> Send(Round& round, Connection& connection, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "sender", connection.plan.key);
  Random random(seed);
  std::vector<char> buffer;
  const Plan& plan = connection.plan;
  while (connection.sent < plan.bytes) {
    buffer.resize(
        std::min(random.Size(kLargest), plan.bytes - connection.sent));
    FillPattern(plan.key, connection.sent, buffer);
    const After after = co_await WriteAll(round, connection, actor, random,
                                          buffer, &connection.sent);
    if (after == After::kEnd) co_return;
    if (random.OneIn(plan.slow ? 2 : 16)) co_await Dawdle(round, actor, random);
  }
  if (connection.finished) co_return;
  if (connection.end.two()) {
    actor.Waits("close of a pipe");
    const IoStatus closed = co_await connection.end.out().Close();
    actor.Goes();
    connection.finished = closed.ok();
  } else {
    connection.end.out().WithFd([&connection](int fd) {
      connection.finished = ::shutdown(fd, SHUT_WR) == 0;
    });
  }
  round.Add(Count::kHalfCloses);
}

Task<> Receive(Round& round, Connection& connection, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "receiver", connection.plan.key);
  Random random(seed);
  std::vector<char> buffer;
  const Plan& plan = connection.plan;
  while (!connection.ended) {
    buffer.resize(random.Size(plan.slow ? 10 : kLargest));
    std::size_t got = 0;
    const After after =
        co_await ReadSome(round, connection, actor, random, buffer, &got);
    if (after == After::kEnd) co_return;
    if (got == 0) {
      VerifyEnd(round, connection);
      co_return;
    }
    Verify(round, connection, {buffer.data(), got});
    round.Add(Count::kBytes, got);
    if (random.OneIn(plan.slow ? 2 : 16)) co_await Dawdle(round, actor, random);
  }
}

// Takes what was detached into the runtime again. False if nothing was, or it
// can't be.
bool Reattach(Round& round, Connection& connection) {
  Descriptor sides[2];
  bool any = false;
  for (std::size_t side = 0; side < 2; ++side) {
    const int fd = std::exchange(connection.detached[side], -1);
    if (fd < 0) continue;
    absl::StatusOr<Descriptor> adopted = Descriptor::Adopt(round.runtime(), fd);
    if (adopted.ok()) {
      sides[side] = *std::move(adopted);
      any = true;
    } else if (round.Excused("adopt", adopted.status())) {
      round.BeLenient();
      ::close(fd);
    }
  }
  const bool two = connection.end.two();
  connection.end = two ? End(std::move(sides[0]), std::move(sides[1]))
                       : End(std::move(sides[0]));
  SetDeadline(connection, Mode::kRead, Deadline::None());
  SetDeadline(connection, Mode::kWrite, Deadline::None());
  // Half of it is no use: whoever has it ends as the other side does.
  connection.closing.store(
      two && any &&
          (!connection.end.in().valid() ||
           (!connection.end.out().valid() && !connection.finished)),
      std::memory_order_release);
  return any && !connection.closing.load(std::memory_order_relaxed);
}

// The first eight bytes. False: the connection ended before they came.
Task<bool> ReadKey(Round& round, Connection& connection, Ledger::Actor& actor,
                   Random& random, std::uint64_t* key) {
  char bytes[kKeyBytes];
  std::size_t have = 0;
  while (have < kKeyBytes) {
    std::size_t got = 0;
    const std::span<char> room(bytes + have, kKeyBytes - have);
    const After after =
        co_await ReadSome(round, connection, actor, random, room, &got);
    // Who gave up connecting in the very moment ends it without a byte.
    if (got == 0 && have > 0) VerifyEnd(round, connection);
    if (after == After::kEnd || got == 0) co_return false;
    have += got;
  }
  *key = KeyOf(bytes);
  if (!IsKey(*key)) round.Wrong("a stream begins with bytes of no key");
  co_return true;
}

}  // namespace

Task<> Converse(Round& round, End end, Plan plan, std::uint64_t seed) {
  Connection connection(std::move(end), plan, false);
  connection.detaches = plan.detaches;
  Random random(seed);
  if (plan.small) Shrink(connection.end);
  Runtime& runtime = round.runtime();
  Ledger::Actor actor(round.ledger(), "client", plan.key);
  do {
    connection.over.store(false, std::memory_order_relaxed);
    JoinHandle<void> sender =
        runtime.Spawn(Send(round, connection, random.Next()));
    JoinHandle<void> receiver =
        runtime.Spawn(Receive(round, connection, random.Next()));
    JoinHandle<void> disturber =
        runtime.Spawn(Disturb(round, connection, random.Next()));
    actor.Waits("its sender");
    co_await std::move(sender);
    actor.Waits("its receiver");
    co_await std::move(receiver);
    connection.over.store(true, std::memory_order_release);
    actor.Waits("its disturber");
    co_await std::move(disturber);
    actor.Goes();
  } while (Reattach(round, connection));
  round.Add(Count::kConnections);
}

Task<> Serve(Round& round, End end, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "server", seed);
  Random random(seed);
  Plan unknown;
  // Whoever breaks may do so before the key has come.
  if (round.Has(Fault(kResets | kCloses))) unknown.breaking = Breaking::kClose;
  Connection connection(std::move(end), unknown, true);
  std::uint64_t key = 0;
  const bool begun = co_await ReadKey(round, connection, actor, random, &key);
  if (!begun) co_return;
  connection.plan = PlanOf(key, round.setting().faults);
  const Plan& plan = connection.plan;
  if (plan.small) Shrink(connection.end);
  JoinHandle<void> disturber =
      round.runtime().Spawn(Disturb(round, connection, random.Next()));
  std::vector<char> buffer(kKeyBytes);
  FillPattern(key, 0, buffer);
  std::size_t got = kKeyBytes;
  for (;;) {
    const std::span<char> bytes(buffer.data(), got);
    Verify(round, connection, bytes);
    After after = co_await WriteAll(round, connection, actor, random, bytes,
                                    &connection.sent);
    if (after == After::kEnd) break;
    if (random.OneIn(plan.slow ? 2 : 16)) co_await Dawdle(round, actor, random);
    buffer.resize(random.Size(plan.slow ? 10 : kLargest));
    after = co_await ReadSome(round, connection, actor, random, buffer, &got);
    if (after == After::kEnd) break;
    if (got == 0) {
      VerifyEnd(round, connection);
      break;
    }
  }
  connection.over.store(true, std::memory_order_release);
  actor.Waits("its disturber");
  co_await std::move(disturber);
  actor.Waits("close");
  static_cast<void>(co_await connection.end.out().Close());
  actor.Goes();
}

}  // namespace netpoll::torture
