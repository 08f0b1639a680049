// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/wakeup.h"

namespace netpoll {
namespace {

using internal::sys;
using Addresses = std::vector<SocketAddress>;

// Without a descriptor or memory to ask with, glibc says that there is no such
// name.
bool CouldNotAsk(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM;
}

absl::Status ResolveError(const std::string& host, int code, int error) {
  const std::string what = absl::StrCat("resolve ", host);
  if (code == EAI_SYSTEM || CouldNotAsk(error))
    return internal::SystemError(what, error);
  const std::string why = absl::StrCat(what, ": ", ::gai_strerror(code));
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return absl::NotFoundError(why);
    case EAI_AGAIN:
      return absl::UnavailableError(why);
    case EAI_MEMORY:
      return absl::ResourceExhaustedError(why);
    default:
      return absl::UnknownError(why);
  }
}

// In a thread of the pool.
absl::StatusOr<Addresses> Ask(const std::string& host, std::uint16_t port,
                              int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;  // Else each address comes several times.
  addrinfo* first = nullptr;
  errno = 0;
  const int code = sys.getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (code != 0) return ResolveError(host, code, errno);
  Addresses all;
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    const auto address =
        SocketAddress::FromSockaddr(one->ai_addr, one->ai_addrlen);
    if (!address.ok()) continue;
    const SocketAddress with_port = address->WithPort(port);
    if (std::find(all.begin(), all.end(), with_port) == all.end()) {
      all.push_back(with_port);
    }
  }
  sys.freeaddrinfo(first);
  if (all.empty()) return ResolveError(host, EAI_NONAME, 0);
  return all;
}

// Families take turns.
Addresses Interleaved(const Addresses& all) {
  Addresses result;
  std::size_t next[2] = {0, 0};  // Of the first one's family, and others.
  const auto take = [&](int kind) {
    std::size_t& at = next[kind];
    while (at < all.size() &&
           (all[at].family() == all[0].family()) != (kind == 0)) {
      ++at;
    }
    if (at < all.size()) result.push_back(all[at++]);
  };
  while (result.size() < all.size()) {
    take(0);
    take(1);
  }
  return result;
}

// Connects that race; in the frame of the task that waits for all of them.
class Race {
 public:
  Race(Runtime& runtime, const ConnectByNameOptions& options)
      : runtime_(runtime), options_(options), attempts_(runtime) {}

  Task<absl::StatusOr<Socket>> Run(Addresses addresses);

 private:
  Task<> Begin(const Addresses& addresses);
  Task<> Attempt(SocketAddress address);
  // Whether there is a winner, or none to be expected.
  bool Over(bool all_have_begun);

  Runtime& runtime_;
  const ConnectByNameOptions& options_;
  TaskGroup attempts_;
  Wakeup news_;        // One of them has ended.
  IoStatus left_;      // Why nobody waits for them any more.
  StdEnv::Lock lock_;  // Guards what follows.
  std::size_t running_ = 0;
  std::optional<Socket> winner_;
  std::vector<absl::Status> errors_;
};

Task<> Race::Attempt(SocketAddress address) {
  absl::StatusOr<Socket> socket =
      co_await Socket::Connect(runtime_, address, options_.connect);
  {
    const LockHolder hold(lock_, "race.ended");
    --running_;
    if (!socket.ok()) {
      errors_.push_back(socket.status());
    } else if (!winner_.has_value()) {
      winner_ = *std::move(socket);
    }
  }
  news_.Wake();
}

bool Race::Over(bool all_have_begun) {
  const ConnectCanceller* const cancel = options_.connect.cancel;
  const LockHolder hold(lock_, "race.over");
  return winner_.has_value() || (cancel != nullptr && cancel->cancelled()) ||
         (all_have_begun && running_ == 0);
}

// Until one has won, or all have ended, or this is to wait no more.
Task<> Race::Begin(const Addresses& addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    {
      const LockHolder hold(lock_, "race.begin");
      ++running_;
    }
    attempts_.Spawn(Attempt(addresses[i]));
    if (i + 1 == addresses.size()) break;
    // The first one to end, or the next one's time.
    const IoStatus waited =
        co_await WithTimeout(options_.attempt_delay, news_.Wait());
    left_ = co_await CancellationStatus();
    if (waited.closing()) left_ = waited;
    if (!left_.ok() || Over(false)) co_return;
  }
  while (!Over(true)) {
    left_ = co_await news_.Wait();
    if (!left_.ok()) co_return;
  }
}

Task<absl::StatusOr<Socket>> Race::Run(Addresses addresses) {
  bool no_memory = false;
  NETPOLL_TRY { co_await Begin(addresses); }
  NETPOLL_CATCH(const std::bad_alloc&) { no_memory = true; }
  // In a scope that was cancelled they are told by that, and say why.
  if (left_.ok()) attempts_.Cancel();
  co_await attempts_.Join();
  if (winner_.has_value()) co_return *std::move(winner_);
  if (no_memory) {
    co_return absl::ResourceExhaustedError("no memory to connect");
  }
  if (errors_.size() == 1) co_return errors_[0];
  co_return absl::Status(
      errors_.back().code(),
      absl::StrJoin(errors_, "; ", [](std::string* out, const auto& error) {
        absl::StrAppend(out, error.message());
      }));
}

}  // namespace

Task<absl::StatusOr<Addresses>> Resolve(BlockingPool& pool, std::string host,
                                        std::uint16_t port,
                                        ResolveOptions options) {
  const auto written = SocketAddress::FromHostPort(host, port);
  const bool fits = written.ok() && (options.family == AF_UNSPEC ||
                                     options.family == written->family());
  // A name that is one everywhere may have addresses of both families.
  if (fits && host != "localhost") co_return Addresses{*written};
  if (host.find('\0') != host.npos) {
    co_return absl::InvalidArgumentError("resolve: a NUL is in the name");
  }
  co_return co_await pool.Run(
      [&host, port, family = options.family] {
        return Ask(host, port, family);
      },
      options.token);
}

Task<absl::StatusOr<Socket>> ConnectToAny(Runtime& runtime, Addresses addresses,
                                          ConnectByNameOptions options) {
  if (addresses.empty()) {
    co_return absl::InvalidArgumentError("connect to any of no addresses");
  }
  Race race(runtime, options);
  co_return co_await race.Run(Interleaved(addresses));
}

Task<absl::StatusOr<Socket>> ConnectByName(Runtime& runtime, BlockingPool& pool,
                                           std::string host, std::uint16_t port,
                                           ConnectByNameOptions options) {
  auto addresses =
      co_await Resolve(pool, std::move(host), port, {.family = options.family});
  if (!addresses.ok()) co_return addresses.status();
  co_return co_await ConnectToAny(runtime, *std::move(addresses),
                                  std::move(options));
}

}  // namespace netpoll
