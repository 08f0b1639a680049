// SPDX-License-Identifier: Apache-2.0
//
// The load generator: what it can do is in its --help.

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/tools/bench/flags.h"
#include "netpoll/tools/bench/load.h"
#include "netpoll/tools/bench/sockets.h"

namespace netpoll::bench {

void Report::Add(const std::string& name, std::uint64_t value) {
  values_.emplace_back(name, absl::StrCat(value));
}

void Report::Add(const std::string& name, double value) {
  values_.emplace_back(name, absl::StrFormat("%.3f", value));
}

void Report::Print(bool json) const {
  std::string text;
  for (const auto& [name, value] : values_) {
    if (json) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", "\"", name,
                      "\": ", value);
    } else {
      absl::StrAppend(&text, name, ": ", value, "\n");
    }
  }
  if (json) {
    absl::StrAppend(&text, members_.empty() ? "" : ", ", members_);
    text = absl::StrCat("{", text, "}\n");
  } else if (!members_.empty()) {
    absl::StrAppend(&text, "server: {", members_, "}\n");
  }
  std::fputs(text.c_str(), stdout);
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
  std::string connect;
  std::string mode = "echo";
  std::int64_t core = -1;
  std::int64_t server = 0;
  bool json = false;
};

void Parse(int argc, char** argv, MainOptions* options) {
  LoadOptions& load = options->load;
  ParseFlags(
      argc, argv,
      "Load for an echo server: one thread, many connections.\n\n"
      "  --mode echo  each connection sends its next message when the last "
      "one\n"
      "               has come back; prints messages/s and latencies\n"
      "  --mode hold  opens connections, prints `holding`, and keeps them",
      {{"connect", &options->connect, "HOST:PORT or unix:PATH; must be given"},
       {"mode", &options->mode, "echo or hold (echo)"},
       {"connections", &load.connections, "how many (64)"},
       {"duration", &load.duration, "seconds (5); hold: 0 is until stdin ends"},
       {"size", &load.size, "bytes of a message, up to 65536 (64)"},
       {"depth", &load.depth, "echo: messages under way on a connection (1)"},
       {"warmup", &load.warmup, "echo: seconds before measuring (0.5)"},
       {"flood", &load.flooders,
        "echo: so many connections more that write as fast as they can; the\n"
        "        figures are those of the others"},
       {"server-pid", &options->server,
        "echo: measure this process meanwhile (its CPU time)"},
       {"count-syscalls", &load.meter.count_syscalls,
        "echo: and its system calls; needs root"},
       {"sample", &load.meter.sample_hz,
        "echo: and how often it is in user mode, asked so many times a second"},
       {"touch", &load.touch, "hold: echo one message on each first"},
       {"text", &load.text, "hold: send this on each, and no more"},
       {"interval", &load.interval,
        "hold: seconds from one byte of the text to the next (0: all at once)"},
       {"cpu", &options->core, "core to run on (any)"},
       {"json", &options->json, "print one line of JSON"}});
  if (options->connect.empty()) BadUse("--connect is missing");
  if (options->mode != "echo" && options->mode != "hold") {
    BadUse("--mode must be echo or hold");
  }
  if (load.size < 1 || load.size > 65536) BadUse("--size must be 1..65536");
  if (load.depth < 1 || load.connections < 1) {
    BadUse("--depth and --connections must be at least 1");
  }
  load.target = ParseAddress(options->connect);
  load.server = static_cast<pid_t>(options->server);
}

}  // namespace
}  // namespace netpoll::bench

int main(int argc, char** argv) {
  using namespace netpoll::bench;  // NOLINT
  MainOptions options;
  Parse(argc, argv, &options);
  PinToCore(options.core);
  RaiseFileLimit();
  ::signal(SIGPIPE, SIG_IGN);
  const Report report =
      options.mode == "echo" ? RunEcho(options.load) : RunHold(options.load);
  report.Print(options.json);
}
