// SPDX-License-Identifier: Apache-2.0
//
// netpoll serve: an echo or an HTTP server until a signal stops it.
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/http_session.h"
#include "netpoll/tools/server/server.h"
#include "netpoll/tools/server/stop_signals.h"

namespace netpoll::tools {
namespace {

constexpr int kMostConnections = 1'000'000;

// How long a client may take where it was not said, or as long as the read
// timeout if that is shorter.
constexpr std::chrono::seconds kHeaderTimeout{30};
constexpr std::chrono::seconds kRequestTimeout{300};
constexpr std::chrono::seconds kWriteTimeout{30};

// As SocketAddress::Parse, and names are looked up.
absl::StatusOr<SocketAddress> Resolve(const Address& address) {
  const std::string text = FormatAddress(address);
  absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
  if (parsed.ok() || address.is_unix()) return parsed;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(
      address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat(
        "no address for ", Quoted(address.host), ": ", ::gai_strerror(error)));
  }
  SocketAddress result;
  std::memcpy(result.data(), found->ai_addr, found->ai_addrlen);
  *result.mutable_size() = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

// A server outlives whoever read its first line (`netpoll serve ... | head
// -1`). What is left to print then goes nowhere, and that is no failure.
void FlushForWhoeverReads() {
  if (std::fflush(stdout) == 0 || errno != EPIPE) return;
  if (std::freopen("/dev/null", "w", stdout) == nullptr) {
    std::fputs("netpoll: cannot open /dev/null to print to\n", stderr);
  }
}

// Whoever started this without a standard stream gets an empty one: or else
// the next thing opened, a socket, would be printed to.
void FillStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one.
    if (::open("/dev/null", O_RDWR) != fd) return;
  }
}

void PrintTotals(const server::Totals& totals, bool http) {
  const server::Counts& counts = totals.counts;
  std::printf(
      "%s\n",
      absl::StrCat("served ", totals.connections, " connections, ",
                   counts.messages, http ? " requests, " : " messages, ",
                   counts.bytes_in, " bytes in, ", counts.bytes_out,
                   " bytes out, ", counts.timeouts, " timeouts, ",
                   counts.errors, " errors, ", totals.refused, " refused",
                   totals.cut > 0 ? absl::StrCat(", ", totals.cut, " cut") : "")
          .c_str());
}

struct ServeOptions {
  std::string kind;
  Address listen;
  RuntimeOptions runtime;
  server::ServerOptions server;
  TimeAllowed grace = std::chrono::seconds(5);
};

int Serve(const Flags& flags, const ServeOptions& options) {
  FillStandardStreams();
  const bool http = options.kind == "http";
  absl::StatusOr<SocketAddress> address = Resolve(options.listen);
  if (!address.ok()) return flags.Fail(Message(address.status()));
  server::BlockStopSignals();  // Before there are threads.
  ::signal(SIGPIPE, SIG_IGN);
  Runtime runtime(options.runtime);
  if (!runtime.status().ok()) return flags.Fail(Message(runtime.status()));
  absl::StatusOr<Listener> listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return flags.Fail(Message(listener.status()));
  absl::StatusOr<server::StopSignals> signals =
      server::StopSignals::Open(runtime);
  if (!signals.ok()) return flags.Fail(Message(signals.status()));
  server::Server server(runtime, *std::move(listener),
                        http ? server::HttpSession : server::EchoSession,
                        options.server);
  std::printf("listening on %s\n", server.address().ToString().c_str());
  FlushForWhoeverReads();
  server.Start([&signals] { signals->Close(); });
  runtime.Spawn(signals->Watch(server, options.grace));
  const absl::Status status = runtime.Run();
  PrintTotals(server.totals(), http);
  FlushForWhoeverReads();
  return status.ok() ? kExitOk : flags.Fail(Message(status));
}

}  // namespace

int RunServe(Arguments arguments) {
  ServeOptions options;
  Flags flags(
      "netpoll serve",
      "Serves echo (sends back what it gets) or http (1.1; a small body for "
      "GET and HEAD)\nuntil SIGINT or SIGTERM, and prints what it served. The "
      "first line on standard\noutput is `listening on ADDRESS`.\n"
      "\n"
      "A signal closes the listener and the idle connections; open requests "
      "have the grace\ntime to finish. Those that have not are cut, and "
      "counted. A second signal ends it at\nonce.\n"
      "\n"
      "The read timeout closes a client that sends nothing for so long after "
      "connecting or\nafter its last answer, or whose request takes so long "
      "from its first byte to its\nlast. The header and the request timeout "
      "are for http alone; the write timeout is for\na client that does not "
      "take what it is sent. None is won by a byte now and then. TCP\nclients "
      "that are silent are asked after a minute whether they are still there."
      "\n\n"
      "Above the limit of connections, or of descriptors, clients wait in the "
      "system's\nqueue until others leave. Where there is no memory for a "
      "client it is closed. What\nthe system refuses is said on standard "
      "error, "
      "at most once a second.");
  flags.Word("KIND", &options.kind, "echo or http");
  flags.Endpoint("listen", "ADDRESS", &options.listen,
                 "HOST:PORT (port 0: any), [IPV6]:PORT or unix:PATH");
  flags.Require("listen");
  flags.Count("threads", "N", &options.runtime.threads, 1, Runtime::kMaxThreads,
              "worker threads");
  flags.Duration("read-timeout", "D", &options.server.read_timeout,
                 "how long a client may keep it waiting; 0 for ever");
  const auto timeout = [&](const char* name, std::chrono::nanoseconds* target,
                           std::chrono::nanoseconds usual, const char* help) {
    flags.Duration(name, "D", target, help);
    flags.Default(name, [&options, target, usual] {
      const std::chrono::nanoseconds read = options.server.read_timeout;
      *target = read.count() > 0 ? std::min(read, usual) : usual;
      return FormatDuration(*target);
    });
  };
  timeout("header-timeout", &options.server.header_timeout, kHeaderTimeout,
          "from a request's first byte to its header's end");
  timeout("request-timeout", &options.server.request_timeout, kRequestTimeout,
          "and to its last byte");
  timeout("write-timeout", &options.server.write_timeout, kWriteTimeout,
          "for a client to take what it is sent");
  flags.Count("max-connections", "N", &options.server.max_connections, 0,
              kMostConnections, "clients at a time; 0 no limit");
  flags.Duration("grace", "D", &options.grace,
                 "time for open requests after a signal");
  AddBackendFlag(flags, &options.runtime.backend);
  flags.Finding("this system has not got the backend, or forbids it");
  flags.Example("netpoll serve http --listen 127.0.0.1:8080 --threads 2");
  flags.Example(
      "netpoll serve echo --listen unix:/tmp/echo --read-timeout 30s");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (options.kind != "echo" && options.kind != "http") {
    return flags.Refuse(
        absl::StrCat("KIND is ", Quoted(options.kind), ", not echo or http"));
  }
  const std::string& backend = options.runtime.backend;
  if (const auto status = RefuseBackend(flags, backend)) return *status;
  return Serve(flags, options);
}

}  // namespace netpoll::tools
