// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/demo/demo.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::demo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kImpatient = 4;
constexpr int kRude = 4;
constexpr seconds kPatience{5};  // Of steady clients: far more than it takes.
constexpr milliseconds kImpatience{5};
constexpr milliseconds kRudePause{1};
constexpr milliseconds kProgressEvery{100};

class Demo {
 public:
  Demo(const DemoOptions& options, Runtime& runtime, server::Server& server)
      : options_(options), runtime_(runtime), server_(server) {}

  void Start(const std::function<void(const DemoProgress&)>& progress) {
    began_ = Runtime::Now();
    for (int i = 0; i < options_.connections; ++i) runtime_.Spawn(Steady());
    for (int i = 0; i < kImpatient; ++i) runtime_.Spawn(Impatient());
    for (int i = 0; i < kRude; ++i) runtime_.Spawn(Rude());
    runtime_.Spawn(Conduct(progress));
  }

  DemoResult TakeResult() {
    result_.messages = messages_.load();
    result_.resets = resets_.load();
    result_.seconds = ended_seconds_;
    result_.stats = runtime_.stats();
    return std::move(result_);
  }

 private:
  // Counts the time, shows progress, and ends it all.
  Task<void> Conduct(std::function<void(const DemoProgress&)> progress) {
    const double limit =
        std::chrono::duration<double>(options_.duration).count();
    while (Seconds() < limit) {
      using Left = std::chrono::duration<double>;
      const Left left = Left(limit - Seconds()) + milliseconds(1);
      if (!co_await runtime_.Sleep(std::min<Left>(kProgressEvery, left))) {
        break;
      }
      if (progress) {
        progress({Seconds(), messages_.load(), runtime_.stats()});
      }
    }
    ended_seconds_ = Seconds();
    over_.store(true);
    server_.Drain();
  }

  Task<void> Steady() {
    absl::StatusOr<Socket> socket = co_await Connect();
    if (!socket.ok()) co_return;
    tools::Histogram latency;
    while (!over_.load(std::memory_order_relaxed)) {
      const std::int64_t start = Runtime::Now();
      socket->SetReadDeadline(Deadline::After(start, kPatience));
      std::array<char, kMessageBytes> buffer{};
      IoStatus status =
          (co_await socket->Write({buffer.data(), buffer.size()})).status;
      for (std::size_t have = 0; status.ok() && have < buffer.size();) {
        const IoResult got =
            co_await socket->Read(std::span<char>(buffer).subspan(have));
        have += got.bytes;
        status = got.status;
        if (got.ok() && got.bytes == 0) status = IoStatus::FromErrno(EPIPE);
      }
      if (!status.ok()) {
        Failed("an echo", ToStatus(status));
        break;
      }
      latency.Record(static_cast<std::uint64_t>(Runtime::Now() - start));
      messages_.fetch_add(1, std::memory_order_relaxed);
    }
    const std::lock_guard hold(mutex_);
    result_.latency.Add(latency);
  }

  Task<void> Impatient() {
    absl::StatusOr<Socket> socket = co_await Connect();
    if (!socket.ok()) co_return;
    std::array<char, kMessageBytes> buffer{};
    while (!over_.load()) {
      socket->SetReadDeadline(Runtime::After(kImpatience));
      const IoResult none = co_await socket->Read(buffer);
      if (over_.load()) break;
      if (!none.status.timeout()) {
        Failed("a read that had to time out", ToStatus(none.status));
        break;
      }
      // A deadline that has passed ends one read, not the connection.
      socket->SetReadDeadline(Runtime::After(kPatience));
      const IoResult sent = co_await socket->Write("x");
      const IoResult got = co_await socket->Read(buffer);
      if (!sent.ok() || !got.ok() || got.bytes != 1) {
        Failed("an echo after a timeout", ToStatus(got.status));
        break;
      }
    }
  }

  Task<void> Rude() {
    static constexpr linger kReset{.l_onoff = 1, .l_linger = 0};
    while (!over_.load()) {
      absl::StatusOr<Socket> socket = co_await Connect();
      if (!socket.ok()) co_return;
      socket->WithFd([](int fd) {
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &kReset, sizeof(kReset));
      });
      const IoResult sent = co_await socket->Write("never mind");
      if (!sent.ok()) {
        Failed("a message", ToStatus(sent.status));
        co_return;
      }
      co_await runtime_.Yield();
      socket->CloseNow();
      ++resets_;
      if (!co_await runtime_.Sleep(kRudePause)) co_return;
    }
  }

  Task<absl::StatusOr<Socket>> Connect() {
    absl::StatusOr<Socket> socket = co_await Socket::Connect(
        runtime_, server_.address(), Runtime::After(kPatience));
    if (!socket.ok() && !over_.load()) Failed("a connect", socket.status());
    co_return socket;
  }

  void Failed(const char* what, const absl::Status& status) {
    const std::lock_guard hold(mutex_);
    if (over_.load()) return;  // The server is leaving, as it was told to.
    if (result_.errors++ == 0) {
      result_.first_error =
          std::string(what) + " failed: " + std::string(status.message());
    }
  }

  double Seconds() const {
    return static_cast<double>(Runtime::Now() - began_) / 1e9;
  }

  const DemoOptions options_;
  Runtime& runtime_;
  server::Server& server_;
  std::int64_t began_ = 0;
  double ended_seconds_ = 0;
  std::atomic<bool> over_{false};
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> resets_{0};
  std::mutex mutex_;
  DemoResult result_;  // Guarded by mutex_ while it runs.
};

// Two descriptors a client, and some: as many as a shell's default allows are
// soon used up, so the limit is raised as far as this process may.
absl::Status AllowDescriptors(int connections) {
  constexpr rlim_t kOthers = 32;
  const rlim_t needed =
      2 * (static_cast<rlim_t>(connections) + kImpatient + kRude) + kOthers;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return absl::OkStatus();
  if (limit.rlim_max < needed) {
    return absl::ResourceExhaustedError(
        absl::StrCat(connections, " connections need ", needed,
                     " descriptors, and this process may have ", limit.rlim_max,
                     " (ulimit -n)"));
  }
  limit.rlim_cur = needed;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "the limit of descriptors can't be raised");
}

}  // namespace

absl::StatusOr<DemoResult> RunDemo(
    const DemoOptions& options,
    const std::function<void(const DemoProgress&)>& progress) {
  const absl::Status allowed = AllowDescriptors(options.connections);
  if (!allowed.ok()) return allowed;
  Runtime runtime({.threads = options.threads, .backend = options.backend});
  if (!runtime.status().ok()) return runtime.status();
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse("127.0.0.1:0");
  if (!address.ok()) return address.status();
  absl::StatusOr<Listener> listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return listener.status();
  server::Server server(runtime, *std::move(listener), server::EchoSession,
                        {.read_timeout = 2 * kPatience});
  Demo demo(options, runtime, server);
  server.Start();
  demo.Start(progress);
  const absl::Status status = runtime.Run();
  if (!status.ok()) return status;
  DemoResult result = demo.TakeResult();
  result.address = server.address().ToString();
  return result;
}

}  // namespace netpoll::demo
