// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/clock.h"
#include "netpoll/tools/torture/connection.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/pattern.h"
#include "netpoll/tools/torture/plan.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/roles.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {
namespace {

constexpr std::size_t kMost = 16'384;

// A whole datagram begins with its key.
bool IsRight(std::span<const char> bytes) {
  if (bytes.size() < kKeyBytes) return bytes.empty();
  const std::uint64_t key = KeyOf(bytes.first<kKeyBytes>());
  return IsKey(key) && RightBytes(key, 0, bytes) == bytes.size();
}

// Sends back what comes, until it is closed.
Task<> Reflect(Round& round, DatagramSocket& socket, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "reflector", seed);
  std::vector<char> buffer(kMost);
  for (;;) {
    actor.Waits("a datagram");
    const auto got = co_await socket.ReceiveFrom(buffer);
    actor.Goes();
    if (!got.ok()) {
      if (!got.status.closing()) {
        round.Wrong(absl::StrCat("a datagram's receive ended with ",
                                 got.status.ToString()));
      }
      co_return;
    }
    if (got.truncated || !IsRight({buffer.data(), got.bytes})) {
      round.Wrong("a reflector received a wrong datagram");
    }
    if (got.bytes == 0) continue;
    actor.Waits("a datagram's way back");
    const IoResult put =
        co_await socket.SendTo({buffer.data(), got.bytes}, got.from);
    actor.Goes();
    if (!put.ok() && put.status.closing()) co_return;
  }
}

// Until the datagram of `key` comes back, or a deadline; those of earlier
// rounds are passed over. Through a buffer of `room` bytes.
Task<bool> Expect(Round& round, Ledger::Actor& actor, DatagramSocket& socket,
                  std::uint64_t key, std::size_t size, std::size_t room) {
  std::vector<char> buffer(room);
  const std::int64_t until =
      TrueNow() + std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  socket.SetReadDeadline(Deadline::At(until));
  for (;;) {
    actor.WaitsUntil("a datagram's return", until);
    const auto got = co_await socket.ReceiveFrom(buffer);
    actor.Goes();
    if (got.status.timeout()) round.CheckTimeout("receive", until);
    if (!got.ok()) {
      if (!got.status.timeout() && !round.runtime().stopping()) {
        round.Wrong(absl::StrCat("a datagram's return ended with ",
                                 got.status.ToString()));
      }
      co_return false;
    }
    const std::span<const char> bytes(buffer.data(), got.bytes);
    if (bytes.size() < kKeyBytes) {
      round.Wrong("a datagram came back shorter than its key");
    }
    const std::uint64_t its = KeyOf(bytes.first<kKeyBytes>());
    if (!IsKey(its) || RightBytes(its, 0, bytes) != bytes.size()) {
      round.Wrong("a wrong datagram came back");
    }
    if (its != key) continue;
    if (got.truncated != (room < size) ||
        bytes.size() != std::min(room, size)) {
      round.Wrong(absl::StrCat("a datagram of ", size, " bytes came back as ",
                               bytes.size(),
                               got.truncated ? ", cut" : ", not cut"));
    }
    co_return true;
  }
}

Task<> Exchange(Round& round, DatagramSocket& socket,
                const SocketAddress& reflector, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "datagrams", seed);
  Random random(seed);
  std::vector<char> message;
  const std::uint64_t count = 8 + random.Below(32);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t key = DrawKey(random);
    message.resize(random.OneIn(8) ? 0 : kKeyBytes + random.Size(13));
    FillPattern(key, 0, message);
    actor.Waits("a datagram's way");
    const IoResult put =
        co_await socket.SendTo({message.data(), message.size()}, reflector);
    actor.Goes();
    if (!put.ok() && round.runtime().stopping()) co_return;
    if (!put.ok()) {
      if (round.lenient()) continue;
      round.Wrong(
          absl::StrCat("a datagram's send ended with ", put.status.ToString()));
    }
    if (message.empty()) continue;
    const std::size_t room =
        random.OneIn(4) ? kKeyBytes + random.Below(message.size()) : kMost;
    const bool back =
        co_await Expect(round, actor, socket, key, message.size(), room);
    if (back) round.Add(Count::kDatagrams);
    if (random.OneIn(8)) co_await Dawdle(round, actor, random);
    if (round.runtime().stopping()) co_return;
  }
}

}  // namespace

Task<> Datagrams(Round& round, std::uint64_t seed) {
  Random random(seed);
  const auto first = ServerAddresses(round, seed);
  const auto second = ServerAddresses(round, seed + 1);
  const std::size_t family = random.Below(first.size());
  absl::StatusOr<DatagramSocket> one =
      DatagramSocket::Bind(round.runtime(), first[family]);
  absl::StatusOr<DatagramSocket> two =
      DatagramSocket::Bind(round.runtime(), second[family]);
  if (!one.ok() || !two.ok()) {
    static_cast<void>(
        round.Excused("bind", one.ok() ? two.status() : one.status()));
    co_return;
  }
  JoinHandle<void> reflector =
      round.runtime().Spawn(Reflect(round, *two, seed));
  co_await Exchange(round, *one, two->address(), seed);
  Ledger::Actor actor(round.ledger(), "datagrams' end", seed);
  actor.Waits("close of a reflector");
  static_cast<void>(co_await two->Close());
  actor.Waits("the reflector");
  co_await std::move(reflector);
  actor.Goes();
}

}  // namespace netpoll::torture
