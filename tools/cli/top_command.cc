// SPDX-License-Identifier: Apache-2.0
//
// netpoll top: what a server of this machine does, again and again.
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/unix_message.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/top_view.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/status_server.h"

namespace netpoll::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPatienceSeconds = 5;
constexpr std::size_t kMostAnswer = std::size_t{8} << 20;

absl::Status Failed(const std::string& target) {
  const int error = errno;
  if (error == ECONNREFUSED || error == ENOENT) {
    return absl::UnavailableError(
        absl::StrCat("nobody answers at ", target,
                     ": is it the process, or the address, of a netpoll server "
                     "that runs? One with --status answers there alone"));
  }
  if (error == EAGAIN || error == EWOULDBLOCK) {
    return absl::DeadlineExceededError(
        absl::StrCat(target, " has not answered for ", kPatienceSeconds,
                     " seconds: all its workers may be busy or hang; SIGQUIT "
                     "has it say where its tasks wait"));
  }
  return absl::UnavailableError(
      absl::StrCat(target, ": ", std::strerror(error)));
}

// The body of what `target` answers to a GET of /metrics.
absl::StatusOr<std::string> Ask(const std::string& target,
                                const SocketAddress& address) {
  const OwnedFd server(
      ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (server.get() < 0) return Failed(target);
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  for (const int which : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(server.get(), SOL_SOCKET, which, &patience, sizeof(patience));
  }
  if (::connect(server.get(), address.data(), address.size()) != 0) {
    return Failed(target);
  }
  constexpr std::string_view kGet =
      "GET /metrics HTTP/1.1\r\nHost: netpoll\r\nConnection: close\r\n\r\n";
  if (::send(server.get(), kGet.data(), kGet.size(), MSG_NOSIGNAL) < 0) {
    return Failed(target);
  }
  std::string answer;
  char piece[16384];
  for (;;) {
    const ssize_t got = ::recv(server.get(), piece, sizeof(piece), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(target);
    if (got == 0) break;
    answer.append(piece, static_cast<std::size_t>(got));
    if (answer.size() > kMostAnswer) break;
  }
  if (answer.empty()) {
    return absl::PermissionDeniedError(absl::StrCat(
        target, " closes the connection: it answers its own user, and root"));
  }
  const auto body = answer.find("\r\n\r\n");
  if (!absl::StartsWith(answer, "HTTP/1.1 200") || body == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(target, " has no /metrics: it is no netpoll server"));
  }
  return answer.substr(body + 4);
}

absl::StatusOr<Samples> AskSamples(const std::string& target,
                                   const SocketAddress& address) {
  const absl::StatusOr<std::string> body = Ask(target, address);
  if (!body.ok()) return body.status();
  std::optional<Samples> samples = ParseMetrics(*body);
  if (!samples) {
    return absl::InvalidArgumentError(
        absl::StrCat(target, " says nothing of netpoll at /metrics"));
  }
  return *std::move(samples);
}

struct TopOptions {
  std::string target;
  SocketAddress address;
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  int count = 0;  // 0: for ever.
  bool json = false;
};

int Watch(const Flags& flags, const TopOptions& options) {
  const bool live = !options.json && ::isatty(STDOUT_FILENO) != 0;
  absl::StatusOr<Samples> before = AskSamples(options.target, options.address);
  if (!before.ok()) return flags.Fail(std::string(before.status().message()));
  Clock::time_point then = Clock::now();
  for (int i = 0; options.count == 0 || i < options.count; ++i) {
    std::this_thread::sleep_until(then + options.interval);
    absl::StatusOr<Samples> after = AskSamples(options.target, options.address);
    if (!after.ok()) {
      return flags.Found(std::string(after.status().message()));
    }
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - then).count();
    const std::string text =
        options.json ? TopJson(*before, *after, seconds) + "\n"
                     : TopText(options.target, *before, *after, seconds);
    // On a terminal each stands where the last was.
    std::printf("%s%s", live ? "\x1b[H\x1b[2J" : "", text.c_str());
    if (std::fflush(stdout) != 0) return kExitOk;  // Nobody reads any more.
    if (!live && !options.json) std::printf("\n");
    before = std::move(after);
    then = now;
  }
  return kExitOk;
}

// A process, or an address.
std::optional<std::string> Resolve(TopOptions& options) {
  if (const auto pid = ParseNumber(options.target)) {
    if (*pid == 0 || *pid > INT32_MAX) return "a PID is 1 to 2147483647";
    options.target = server::StatusAddressOf(static_cast<long>(*pid));
  }
  const auto address = SocketAddress::Parse(options.target);
  if (!address.ok()) {
    return absl::StrCat("TARGET is ", Quoted(options.target),
                        ", not a PID, unix:PATH or HOST:PORT with a numeric "
                        "host");
  }
  options.address = *address;
  return std::nullopt;
}

}  // namespace

int RunTop(Arguments arguments) {
  TopOptions options;
  Flags flags(
      "netpoll top",
      "Shows what a netpoll server does, once a second until it ends or you "
      "do: clients,\nmessages, tasks, and of each worker how busy it is, its "
      "task runs and polls, how\nmany tasks a poll wakes, how long polls take "
      "(waiting included) and how long tasks\nrun between two of them.\n"
      "\n"
      "The server is named by its process, or by an address that answers "
      "/metrics: what\n`netpoll serve --status` was given, or an HTTP "
      "server's own.");
  flags.Word("TARGET", &options.target, "PID, unix:PATH or HOST:PORT");
  flags.Duration("interval", "D", &options.interval, "between two looks");
  flags.Count("count", "N", &options.count, 0, INT32_MAX,
              "how many looks; 0: until it ends");
  flags.Switch("json", &options.json, "print JSON, a line for each look");
  flags.Finding("the server has ended, or does not answer any more");
  flags.Example("netpoll top 1234");
  flags.Example("netpoll top 127.0.0.1:8080 --count 1 --json");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (options.interval < std::chrono::milliseconds(1) ||
      options.interval > std::chrono::hours(24)) {
    return flags.Refuse("--interval is not between 1ms and 24h");
  }
  if (const auto problem = Resolve(options)) return flags.Refuse(*problem);
  return Watch(flags, options);
}

}  // namespace netpoll::tools
