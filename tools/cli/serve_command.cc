// SPDX-License-Identifier: Apache-2.0
//
// netpoll serve: an echo or an HTTP server until a signal stops it.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/serve_extras.h"
#include "netpoll/tools/cli/serve_listen.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/client_log.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/http_session.h"
#include "netpoll/tools/server/metrics.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/quit_dump.h"
#include "netpoll/tools/server/server.h"
#include "netpoll/tools/server/stop_signals.h"
#include "netpoll/tools/server/trace_file.h"

namespace netpoll::tools {
namespace {

constexpr int kMostConnections = 1'000'000;

// How long a client may take where it was not said, or as long as the read
// timeout if that is shorter.
constexpr std::chrono::seconds kHeaderTimeout{30};
constexpr std::chrono::seconds kRequestTimeout{300};
constexpr std::chrono::seconds kWriteTimeout{30};

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

// A server outlives whoever read its first line (`netpoll serve ... | head
// -1`), and its terminal. What is left to print then goes nowhere, and that is
// no failure.
void FlushForWhoeverReads() {
  // A line may have failed already, as it was made.
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  if (errno != EPIPE && errno != EIO) return;
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

class Talk {
 public:
  Talk(bool http, bool json, const server::ClientLog& log)
      : http_(http), json_(json), log_(log) {}

  void Listening(const std::string& address) const {
    if (json_) {
      Line(JsonObject().Add("event", "listening").Add("address", address));
    } else {
      std::printf("listening on %s\n", address.c_str());
      FlushForWhoeverReads();
    }
  }

  // `last`: the server has ended.
  void Totals(const server::Totals& totals, bool last) const {
    const server::Counts& counts = totals.counts;
    const std::uint64_t messages = counts.messages;
    const std::uint64_t bytes_in = counts.bytes_in;
    const std::uint64_t bytes_out = counts.bytes_out;
    const std::uint64_t timeouts = counts.timeouts;
    const std::uint64_t errors = counts.errors;
    if (json_) {
      JsonObject json;
      json.Add("event", last ? "end" : "totals")
          .Add("connections", totals.connections)
          .Add("open", last ? 0 : totals.open)
          .Add(http_ ? "requests" : "messages", messages)
          .Add("bytes_in", bytes_in)
          .Add("bytes_out", bytes_out)
          .Add("timeouts", timeouts)
          .Add("errors", errors)
          .Add("refused", totals.refused)
          .Add("cut", totals.cut)
          .Add("log_dropped", log_.dropped());
      Line(json);
      return;
    }
    std::string text = absl::StrCat(
        "served ", totals.connections, " connections, ", messages,
        http_ ? " requests, " : " messages, ", bytes_in, " bytes in, ",
        bytes_out, " bytes out, ", timeouts, " timeouts, ", errors, " errors, ",
        totals.refused, " refused");
    if (totals.cut > 0) absl::StrAppend(&text, ", ", totals.cut, " cut");
    if (!last) absl::StrAppend(&text, ", ", totals.open, " open");
    if (log_.dropped() > 0) {
      absl::StrAppend(&text, ", ", log_.dropped(), " lines of the log dropped");
    }
    std::printf("%s\n", text.c_str());
    FlushForWhoeverReads();
  }

  void Traced(const server::TraceFile& file) const {
    if (!file.wanted()) return;
    const std::uint64_t kept = file.trace().kept();
    const std::uint64_t lost = file.trace().lost();
    if (json_) {
      Line(JsonObject()
               .Add("event", "trace")
               .Add("file", file.path())
               .Add("kept", kept)
               .Add("lost", lost));
      return;
    }
    std::printf("traced %" PRIu64 " events into %s, %" PRIu64 " before lost\n",
                kept, file.path().c_str(), lost);
    FlushForWhoeverReads();
  }

 private:
  static void Line(const JsonObject& json) {
    std::printf("%s\n", json.text().c_str());
    FlushForWhoeverReads();
  }

  const bool http_;
  const bool json_;
  const server::ClientLog& log_;
};

struct ServeOptions {
  std::string kind;
  Address listen;
  RuntimeOptions runtime;
  server::ServerOptions server;
  TimeAllowed grace = std::chrono::seconds(5);
  std::string log;
  std::string trace;
  Address status;
  bool json = false;
};

// The log, if one is wanted; an exit status if it can't be.
std::optional<int> OpenLog(const Flags& flags, ServeOptions& options,
                           server::ClientLog& log) {
  if (options.log.empty()) return {};
  const int error = log.Open(options.log);
  if (error != 0) {
    return flags.Fail(absl::StrCat("cannot write ", Quoted(options.log), ": ",
                                   std::strerror(error)));
  }
  options.server.log = &log;
  return {};
}

int Serve(const Flags& flags, ServeOptions options) {
  FillStandardStreams();
  const bool http = options.kind == "http";
  server::BlockStopSignals();  // Before there are threads.
  ::signal(SIGPIPE, SIG_IGN);
  server::ClientLog log;
  if (const auto status = OpenLog(flags, options, log)) return *status;
  server::TraceFile trace(options.trace);
  if (const absl::Status status = trace.Open(options.runtime); !status.ok()) {
    return flags.Fail(Message(status));
  }
  Runtime runtime(options.runtime);
  if (!runtime.status().ok()) return flags.Fail(Message(runtime.status()));
  if (!runtime.backend_note().empty()) flags.Fail(runtime.backend_note());
  absl::StatusOr<Listener> listener =
      Listen(runtime, options.listen, options.runtime.sharded);
  if (!listener.ok()) return flags.Fail(Message(listener.status()));
  absl::StatusOr<server::StopSignals> signals =
      server::StopSignals::Open(runtime);
  if (!signals.ok()) return flags.Fail(Message(signals.status()));
  server::Pages pages;
  if (http) options.server.pages = &pages;
  server::Server server(runtime, *std::move(listener),
                        http ? server::HttpSession : server::EchoSession,
                        options.server);
  if (const absl::Status status =
          ListenMore(runtime, options.listen, options.runtime.sharded, server);
      !status.ok()) {
    return flags.Fail(Message(status));
  }
  pages.push_back({"/metrics", server::kMetricsType, [&runtime, &server] {
                     return server::MetricsText(runtime, server.totals());
                   }});
  StatusSocket status_socket;
  if (const absl::Status status =
          status_socket.Open(runtime, options.status, pages.front());
      !status.ok()) {
    return flags.Fail(Message(status));
  }
  const Talk talk(http, options.json, log);
  server.Start([&signals, &status_socket] {
    signals->Close();
    status_socket.End();
  });
  // Who connects from now on has what Start has set.
  talk.Listening(server.address().ToString());
  runtime.Spawn(signals->Watch(server, options.grace, [&](int signal) {
    if (signal == SIGHUP && options.server.log != nullptr) log.Reopen();
    talk.Totals(server.totals(), false);
  }));
  const server::QuitDump dump(runtime);
  const absl::Status status = runtime.Run();
  talk.Totals(server.totals(), true);
  if (const absl::Status failed = trace.Write(); !failed.ok()) {
    return flags.Fail(Message(failed));
  }
  talk.Traced(trace);
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
      "counted. A second signal ends it at\nonce. SIGHUP and SIGUSR1 print "
      "what it has served until then, and it goes on;\nSIGHUP also opens the "
      "log anew. SIGQUIT says on standard error who waits for what, and\nwhere "
      "in the program, and it goes on. http answers /metrics with counters, "
      "for\nPrometheus.\n"
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
                 "HOST:PORT (port 0: any), [IPV6]:PORT, :PORT or *:PORT (every "
                 "address, IPv4 and IPv6) or unix:PATH");
  flags.Require("listen");
  flags.Count("threads", "N", &options.runtime.threads, 1, Runtime::kMaxThreads,
              "worker threads");
  flags.Switch("sharded", &options.runtime.sharded,
               "a poller and a listener for each worker: for many cores");
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
  flags.Text("log", "FILE", &options.log,
             "append a line for each client that has left");
  flags.Text("trace", "FILE", &options.trace,
             "what the workers did last, for ui.perfetto.dev; written when it "
             "ends, even by SIGKILL");
  flags.Custom("status", "unix:PATH", "",
               "where `netpoll top` may ask, of the same user; "
               "unix:@netpoll-PID if it is not given",
               [&](std::string_view value) -> std::optional<std::string> {
                 auto address = ParseAddress(value);
                 if (!address || !address->is_unix()) return "unix:PATH";
                 options.status = *std::move(address);
                 return {};
               });
  flags.Switch("json", &options.json,
               "print JSON: a line where it listens, and one of totals");
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
  options.runtime.completions = backend == IoUringBackend<>::kName;
  return Serve(flags, options);
}

}  // namespace netpoll::tools
