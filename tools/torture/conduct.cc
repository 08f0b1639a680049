// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/conduct.h"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/faulty_calls.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/roles.h"
#include "netpoll/tools/torture/round.h"
#include "netpoll/tools/torture/surroundings.h"

namespace netpoll::torture {
namespace {

constexpr std::uint64_t kMostClients = 68;

Task<> StartServers(Round& round, Random& random,
                    std::vector<Listener>& listeners,
                    std::vector<SocketAddress>& servers,
                    std::vector<JoinHandle<void>>& acceptors) {
  const auto addresses = ServerAddresses(round, 0);
  listeners.reserve(addresses.size());
  for (const SocketAddress& address : addresses) {
    absl::StatusOr<Listener> listener =
        Listener::Listen(round.runtime(), address);
    if (!listener.ok()) {
      // A system may be without IPv6.
      if (address.family() != AF_INET6) {
        static_cast<void>(round.Excused("listen", listener.status()));
      }
      continue;
    }
    servers.push_back(listener->address());
    listeners.push_back(*std::move(listener));
    acceptors.push_back(round.runtime().Spawn(
        AcceptAll(round, listeners.back(), random.Next())));
  }
  co_return;
}

Task<> StartClients(Round& round, Random& random,
                    const std::vector<SocketAddress>& servers,
                    std::vector<JoinHandle<void>>& clients) {
  // Among few a loss shows, among many they meet.
  const std::uint64_t count =
      1 + random.Below(random.OneIn(3) ? 4 : kMostClients);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = random.Next();
    const bool connects = random.OneIn(16) && round.Has(kConnects);
    const bool datagrams = random.OneIn(12);
    if (connects && !servers.empty()) {
      clients.push_back(round.runtime().Spawn(Connects(round, servers, seed)));
    } else if (datagrams) {
      clients.push_back(round.runtime().Spawn(Datagrams(round, seed)));
    } else {
      clients.push_back(round.runtime().Spawn(Client(round, servers, seed)));
    }
  }
  co_return;
}

// The first task of a round, and the last of those that others wait for.
Task<> Conduct(Round& round, std::optional<Surroundings>& surroundings,
               std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "conductor", seed);
  Random random(seed);
  std::vector<Listener> listeners;
  std::vector<SocketAddress> servers;
  std::vector<JoinHandle<void>> acceptors;
  std::vector<JoinHandle<void>> clients;
  co_await StartServers(round, random, listeners, servers, acceptors);
  co_await StartClients(round, random, servers, clients);
  // In any order: some have ended when they are awaited, some have not.
  while (!clients.empty()) {
    const std::size_t which = random.Below(clients.size());
    std::swap(clients[which], clients.back());
    actor.Waits("a client");
    co_await std::move(clients.back());
    actor.Goes();
    clients.pop_back();
  }
  for (Listener& listener : listeners) {
    actor.Waits("close of a listener");
    static_cast<void>(co_await listener.Close());
    actor.Goes();
  }
  for (JoinHandle<void>& acceptor : acceptors) {
    actor.Waits("an acceptor");
    co_await std::move(acceptor);
    actor.Goes();
  }
  surroundings->LastTaskEnds();
}

// What the runtime says of itself, if it does.
template <class AnyRuntime>
std::string StateOf(AnyRuntime& runtime) {
  if constexpr (requires { runtime.DumpState(); }) {
    return runtime.DumpState();
  } else {
    return "";
  }
}

class ArmedFaults {
 public:
  ArmedFaults(Round& round, std::uint64_t seed) {
    if (call_faults != nullptr) {
      call_faults->Arm(seed, round.Has(kCalls), round.Has(kMemory));
    }
  }
  ~ArmedFaults() {
    if (call_faults != nullptr) call_faults->Disarm();
  }
  ArmedFaults(const ArmedFaults&) = delete;
  ArmedFaults& operator=(const ArmedFaults&) = delete;
};

void CheckEnd(Round& round) {
  const RuntimeStats stats = round.runtime().stats();
  if (stats.parked != 0) {
    round.Wrong(absl::StrCat("every task has ended, and ", stats.parked,
                             " are counted as parked"));
  }
  const std::string tasks = round.ledger().Describe();
  if (!tasks.empty()) {
    round.Wrong(
        absl::StrCat("Run returned before its tasks had ended:\n", tasks));
  }
}

std::string NameOf(int fd) {
  std::array<char, 64> name{};
  const ssize_t size = ::readlink(absl::StrCat("/proc/self/fd/", fd).c_str(),
                                  name.data(), name.size() - 1);
  return size > 0 ? name.data() : "?";
}

}  // namespace

absl::Status RunRound(const RoundSetting& setting, const RoundHost& host,
                      Tally& tally) {
  const std::set<int> before = OpenDescriptors();
  {
    Random random(setting.seed);
    Round round(setting, host, tally);
    if (!round.runtime().status().ok()) return round.runtime().status();
    const Watchdog watchdog(
        round.ledger(), setting.patience, [&round](const std::string& wrong) {
          round.Wrong(absl::StrCat(wrong, "\n", round.ledger().Describe(),
                                   StateOf(round.runtime())));
        });
    const ArmedFaults armed(round, random.Next());
    std::optional<Surroundings> surroundings;
    round.runtime().Spawn(Conduct(round, surroundings, random.Next()));
    surroundings.emplace(round, before, random.Next());
    const absl::Status status = round.runtime().Run();
    if (!status.ok()) round.Wrong(status.ToString());
    surroundings.reset();  // A Stop of its own may still be under way.
    CheckEnd(round);
  }
  for (const int fd : OpenDescriptors()) {
    if (before.contains(fd)) continue;
    host.wrong(
        absl::StrCat("descriptor ", fd, " (", NameOf(fd), ") is left open"));
  }
  for (const auto& file : std::filesystem::directory_iterator(setting.folder)) {
    host.wrong(absl::StrCat("the socket file ", file.path().filename().string(),
                            " is left"));
  }
  tally.Add(Count::kRounds);
  return absl::OkStatus();
}

}  // namespace netpoll::torture
