// SPDX-License-Identifier: Apache-2.0
//
// How connections come about: listeners, pairs, pipes, and connects that fail.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/clock.h"
#include "netpoll/tools/torture/connection.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/plan.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/roles.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {

std::vector<SocketAddress> ServerAddresses(const Round& round,
                                           std::uint64_t number) {
  std::vector<SocketAddress> addresses;
  const std::string path = absl::StrCat("unix:", round.setting().folder, "/",
                                        round.setting().seed, ".", number);
  for (const std::string& text :
       {std::string("127.0.0.1:0"), std::string("[::1]:0"), path}) {
    absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
    if (address.ok()) addresses.push_back(*address);
  }
  return addresses;
}

Task<> AcceptAll(Round& round, Listener& listener, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "acceptor", seed);
  Random random(seed);
  for (;;) {
    actor.Waits("an accept");
    AcceptResult accepted = co_await listener.Accept();
    actor.Goes();
    if (accepted.ok()) {
      round.runtime().Spawn(
          Serve(round, End(std::move(accepted.socket)), random.Next()));
      continue;
    }
    if (accepted.status.closing()) co_return;
    if (!round.Excused("accept", ToStatus(accepted.status))) co_return;
    co_await Dawdle(round, actor, random);
  }
}

namespace {

// A stream whose other end is this runtime's too, and is served.
Task<bool> OpenPair(Round& round, bool pipes, std::uint64_t seed, End* end) {
  Runtime& runtime = round.runtime();
  if (!pipes) {
    absl::StatusOr<Socket::Ends> ends = Socket::Pair(runtime);
    if (!ends.ok()) {
      static_cast<void>(round.Excused("a pair", ends.status()));
      co_return false;
    }
    *end = End(std::move(ends->first));
    runtime.Spawn(Serve(round, End(std::move(ends->second)), seed));
    co_return true;
  }
  absl::StatusOr<Descriptor::PipeEnds> there = Descriptor::Pipe(runtime);
  absl::StatusOr<Descriptor::PipeEnds> back = Descriptor::Pipe(runtime);
  if (!there.ok() || !back.ok()) {
    static_cast<void>(
        round.Excused("a pipe", there.ok() ? back.status() : there.status()));
    co_return false;
  }
  *end = End(std::move(back->read), std::move(there->write));
  runtime.Spawn(
      Serve(round, End(std::move(there->read), std::move(back->write)), seed));
  co_return true;
}

// One connect: whether it led to a socket. A deadline that ended it was not
// early.
Task<bool> ConnectTo(Round& round, Ledger::Actor& actor, SocketAddress address,
                     Deadline deadline, Socket* socket, absl::Status* why) {
  actor.WaitsUntil("a connect", deadline.none() ? kNever : deadline.value());
  absl::StatusOr<Socket> connected =
      co_await Socket::Connect(round.runtime(), address, deadline);
  actor.Goes();
  if (connected.ok()) {
    *socket = *std::move(connected);
    co_return true;
  }
  *why = connected.status();
  if (absl::IsDeadlineExceeded(*why)) {
    round.CheckTimeout("connect", deadline.none() ? kNever : deadline.value());
  }
  round.Add(Count::kConnects);
  co_return false;
}

Deadline DrawConnectDeadline(Round& round, Random& random) {
  if (!round.Has(kDeadlines) || !random.OneIn(4)) return Deadline::None();
  return Deadline::After(TrueNow(), random.Micros(20'000));
}

}  // namespace

Task<> Client(Round& round, const std::vector<SocketAddress>& servers,
              std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "connector", seed);
  Random random(seed);
  if (random.OneIn(2)) co_await Dawdle(round, actor, random);
  const std::size_t family = random.Below(servers.size() + 2);
  End end;
  if (family >= servers.size()) {
    const bool pipes = family > servers.size();
    const bool made = co_await OpenPair(round, pipes, random.Next(), &end);
    if (!made) co_return;
  } else {
    const Deadline deadline = DrawConnectDeadline(round, random);
    Socket socket;
    absl::Status why;
    const bool connected = co_await ConnectTo(round, actor, servers[family],
                                              deadline, &socket, &why);
    if (!connected) {
      if (deadline.none() || !absl::IsDeadlineExceeded(why)) {
        static_cast<void>(round.Excused("connect", why));
      }
      co_return;
    }
    end = End(std::move(socket));
  }
  const Plan plan = PlanOf(DrawKey(random), round.setting().faults);
  co_await Converse(round, std::move(end), plan, random.Next());
}

namespace {

// A listener that nobody accepts from: connects until none is answered, each
// with a deadline.
Task<> FillBacklog(Round& round, Ledger::Actor& actor, SocketAddress address,
                   Random& random) {
  absl::StatusOr<Listener> listener =
      Listener::Listen(round.runtime(), address, 1);
  if (!listener.ok()) {
    static_cast<void>(round.Excused("listen", listener.status()));
    co_return;
  }
  const SocketAddress bound = listener->address();
  std::vector<Socket> held;
  for (int i = 0; i < 6; ++i) {
    const Deadline deadline = Deadline::After(
        TrueNow(), std::chrono::milliseconds(1) + random.Micros(20'000));
    Socket socket;
    absl::Status why;
    const bool connected =
        co_await ConnectTo(round, actor, bound, deadline, &socket, &why);
    if (connected) {
      held.push_back(std::move(socket));
      continue;
    }
    if (!absl::IsDeadlineExceeded(why)) {
      static_cast<void>(round.Excused("connect to a full backlog", why));
    }
  }
  if (held.size() == 6 && !round.runtime().stopping()) {
    round.Wrong("a backlog of one took six connections");
  }
}

// Nobody listens any more.
Task<> Refused(Round& round, Ledger::Actor& actor, SocketAddress address) {
  SocketAddress bound;
  {
    absl::StatusOr<Listener> listener =
        Listener::Listen(round.runtime(), address);
    if (!listener.ok()) {
      static_cast<void>(round.Excused("listen", listener.status()));
      co_return;
    }
    bound = listener->address();
    actor.Waits("close of a listener");
    static_cast<void>(co_await listener->Close());
    actor.Goes();
  }
  Socket socket;
  absl::Status why;
  const bool connected =
      co_await ConnectTo(round, actor, bound, Deadline::None(), &socket, &why);
  if (connected) {
    // A port may have become another's meanwhile, a path may not.
    if (bound.is_unix()) round.Wrong("a connect to nobody was answered");
    co_return;
  }
  const bool refused = absl::IsUnavailable(why) || absl::IsNotFound(why) ||
                       absl::IsFailedPrecondition(why);
  if (!refused) static_cast<void>(round.Excused("connect to nobody", why));
}

}  // namespace

Task<> Connects(Round& round, const std::vector<SocketAddress>& servers,
                std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "connects", seed);
  Random random(seed);
  const auto addresses = ServerAddresses(round, seed);
  const std::size_t which = random.Below(addresses.size());
  for (int i = 0; i < 4 && !round.runtime().stopping(); ++i) {
    // No time at all, or next to none.
    Socket socket;
    absl::Status why;
    const Deadline deadline =
        random.OneIn(2) ? Deadline::Past()
                        : Deadline::After(TrueNow(), random.Micros(100));
    const bool connected =
        co_await ConnectTo(round, actor, servers[random.Below(servers.size())],
                           deadline, &socket, &why);
    if (!connected && !absl::IsDeadlineExceeded(why)) {
      static_cast<void>(round.Excused("connect", why));
    }
    co_await Dawdle(round, actor, random);
  }
  co_await Refused(round, actor, addresses[which]);
  co_await FillBacklog(round, actor, addresses[which], random);
}

}  // namespace netpoll::torture
