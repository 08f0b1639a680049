// SPDX-License-Identifier: Apache-2.0
//
// The load generator: what it can do is in its --help.

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/tools/bench/load.h"
#include "netpoll/tools/bench/sockets.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::bench {

void Report::Add(const std::string& name, std::uint64_t value) {
  json_.Add(name, value);
  absl::StrAppend(&text_, name, ": ", value, "\n");
}

void Report::Add(const std::string& name, double value) {
  json_.Add(name, value, 3);
  absl::StrAppendFormat(&text_, "%s: %.3f\n", name, value);
}

void Report::AddServer(const tools::JsonObject& server) {
  json_.AddAllOf(server);
  absl::StrAppend(&text_, "server: ", server.text(), "\n");
}

void Report::Print(bool json) const {
  std::fputs((json ? json_.text() + "\n" : text_).c_str(), stdout);
}

std::vector<int> ConnectAll(const Address& target, std::int64_t count,
                            std::uint64_t* errors) {
  std::vector<int> fds;
  for (std::int64_t i = 0; i < count; ++i) {
    const int fd = Connect(target);
    if (fd >= 0) {
      fds.push_back(fd);
      continue;
    }
    if (*errors == 0) {
      std::fprintf(stderr, "echo_load: connect: %s\n", ::strerror(errno));
    }
    ++*errors;
  }
  return fds;
}

namespace {

struct MainOptions {
  LoadOptions load;
  std::string mode = "echo";
  std::int64_t core = -1;
  bool json = false;
};

// Nothing, or the exit status.
std::optional<int> Parse(int argc, char** argv, MainOptions* options) {
  LoadOptions& load = options->load;
  tools::Address target;
  std::int64_t server = 0;
  tools::Flags flags(
      "echo_load",
      "Load for an echo server: one thread, many connections.\n\n"
      "  --mode echo  each connection sends its next message when the last "
      "one\n"
      "               has come back; prints messages/s and latencies\n"
      "  --mode hold  opens connections, prints `holding`, and keeps them");
  flags.Endpoint("connect", "ADDRESS", &target, kAddresses);
  flags.Require("connect");
  flags.Choice("mode", "MODE", &options->mode, {"echo", "hold"}, "what to do");
  flags.Count("connections", "N", &load.connections, 1, "how many");
  flags.Real("duration", "SECONDS", &load.duration,
             "how long; hold: 0 is until stdin ends");
  flags.Count("size", "BYTES", &load.size, 1, "of a message, up to 65536");
  flags.Count("depth", "N", &load.depth, 1,
              "echo: messages under way on a connection");
  flags.Count("rate", "N", &load.rate, 0,
              "echo: so many messages a second in all, on the connections in "
              "turn, whatever comes back; latencies count from when a message "
              "was due");
  flags.Real("warmup", "SECONDS", &load.warmup, "echo: before measuring");
  flags.Count("flood", "N", &load.flooders, 0,
              "echo: so many connections more that write as fast as they can; "
              "the figures are those of the others");
  flags.Count("server-pid", "PID", &server, 0,
              "echo: measure this process meanwhile (its CPU time)");
  flags.Switch("count-syscalls", &load.meter.count_syscalls,
               "echo: and its system calls; needs root");
  flags.Count("sample", "HZ", &load.meter.sample_hz, 0,
              "echo: and how often it is in user mode, asked so many times a "
              "second");
  flags.Switch("touch", &load.touch, "hold: echo one message on each first");
  flags.Text("text", "TEXT", &load.text,
             "hold: send this on each, and no more");
  flags.Real("interval", "SECONDS", &load.interval,
             "hold: from one byte of the text to the next; 0: all at once");
  flags.Count("cpu", "CORE", &options->core, 0, "core to run on (any)");
  flags.Switch("json", &options->json, "print one line of JSON");
  if (const auto status = flags.Parse(argc, argv)) return status;
  if (load.size > 65536) return flags.Refuse("--size is more than 65536");
  const auto address = Resolve(target);
  if (!address) {
    return flags.Refuse(std::string("--connect is not ") + kAddresses);
  }
  load.target = *address;
  load.server = static_cast<pid_t>(server);
  return {};
}

}  // namespace
}  // namespace netpoll::bench

int main(int argc, char** argv) {
  using namespace netpoll::bench;  // NOLINT
  MainOptions options;
  if (const auto status = Parse(argc, argv, &options)) return *status;
  PinToCore(options.core);
  RaiseFileLimit();
  ::signal(SIGPIPE, SIG_IGN);
  const Report report =
      options.mode == "echo" ? RunEcho(options.load) : RunHold(options.load);
  report.Print(options.json);
}
