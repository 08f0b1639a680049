// SPDX-License-Identifier: Apache-2.0
//
// netpoll demo: an echo server and its clients, watched for some seconds.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/demo/demo.h"

namespace netpoll::tools {
namespace {

using demo::DemoOptions;
using demo::DemoProgress;
using demo::DemoResult;

// 1234567 -> "1,234,567".
std::string Grouped(std::uint64_t number) {
  if (number < 1'000) return absl::StrCat(number);
  return absl::StrCat(Grouped(number / 1'000), ",",
                      absl::Dec(number % 1'000, absl::kZeroPad3));
}

// Nanoseconds with a unit, three digits.
std::string Time(std::uint64_t nanos) {
  const auto value = static_cast<double>(nanos);
  if (nanos < 1'000) return absl::StrCat(nanos, " ns");
  if (nanos < 1'000'000) return absl::StrFormat("%.3g us", value / 1e3);
  if (nanos < 1'000'000'000) return absl::StrFormat("%.3g ms", value / 1e6);
  return absl::StrFormat("%.3g s", value / 1e9);
}

std::uint64_t Rate(const DemoResult& result) {
  return static_cast<std::uint64_t>(static_cast<double>(result.messages) /
                                    result.seconds);
}

void Line(const char* name, const std::string& value, const char* meaning) {
  std::printf("  %-14s %14s   %s\n", name, value.c_str(), meaning);
}

void PrintText(const DemoOptions& options, const DemoResult& result) {
  const Histogram& latency = result.latency;
  std::printf(
      "%d connections to an echo server on %s, %d thread%s, %s, %.1f s\n",
      options.connections, result.address.c_str(), options.threads,
      options.threads == 1 ? "" : "s", options.backend.c_str(), result.seconds);
  Line("messages", Grouped(result.messages), "echoed, 64 bytes each");
  Line("throughput", Grouped(Rate(result)), "messages a second");
  Line("latency p50", Time(latency.Percentile(50)),
       "from a message to its echo");
  Line("        p90", Time(latency.Percentile(90)), "");
  Line("        p99", Time(latency.Percentile(99)), "");
  Line("      p99.9", Time(latency.Percentile(99.9)), "");
  Line("        max", Time(latency.max()), "");
  Line("wakeups", Grouped(result.stats.wakeups), "tasks made ready by events");
  Line("polls", Grouped(result.stats.polls), "of the system for events");
  Line("timeouts", Grouped(result.stats.timeouts),
       "reads that ended at their deadline");
  Line("resets", Grouped(result.resets), "connections broken off by clients");
  Line("stale events", Grouped(result.stats.stale_events),
       "dropped: their descriptor had been closed");
  if (result.errors > 0) {
    std::printf("  %s operations failed that should not; the first: %s\n",
                Grouped(result.errors).c_str(), result.first_error.c_str());
  }
  std::printf(
      "\n"
      "try next:\n"
      "  netpoll serve http --listen 127.0.0.1:8080    and then: "
      "curl http://127.0.0.1:8080/\n"
      "  netpoll demo --connections 1000 --threads 1\n"
      "  netpoll backends\n"
      "  netpoll --help\n");
}

void PrintJson(const DemoOptions& options, const DemoResult& result) {
  const Histogram& latency = result.latency;
  JsonObject nanos;
  nanos.Add("p50", latency.Percentile(50))
      .Add("p90", latency.Percentile(90))
      .Add("p99", latency.Percentile(99))
      .Add("p99.9", latency.Percentile(99.9))
      .Add("max", latency.max());
  JsonObject json;
  json.Add("backend", options.backend)
      .Add("connections", options.connections)
      .Add("threads", options.threads)
      .Add("seconds", result.seconds, 3)
      .Add("messages", result.messages)
      .Add("messages_per_second", Rate(result))
      .Add("latency_ns", nanos)
      .Add("wakeups", result.stats.wakeups)
      .Add("polls", result.stats.polls)
      .Add("timeouts", result.stats.timeouts)
      .Add("resets", result.resets)
      .Add("stale_events", result.stats.stale_events)
      .Add("errors", result.errors);
  std::printf("%s\n", json.text().c_str());
}

int DefaultThreads() {
  return static_cast<int>(
      std::clamp(std::thread::hardware_concurrency(), 1U, 4U));
}

}  // namespace

int RunDemo(Arguments arguments) {
  constexpr int kMostSeconds = 3600;
  constexpr int kMostConnections = 100'000;
  DemoOptions options{.threads = DefaultThreads()};
  int seconds = 3;
  bool json = false;
  Flags flags(
      "netpoll demo",
      "Starts an echo server on loopback and drives it for a few seconds over "
      "real\nconnections: most send and receive as fast as they can, with a "
      "deadline before\neach read; some wait for nothing until their deadline; "
      "some reset their\nconnection in mid-conversation. Then prints what was "
      "measured.");
  flags.Count("seconds", "N", &seconds, 1, kMostSeconds, "how long");
  flags.Count("connections", "N", &options.connections, 1, kMostConnections,
              "how many busy clients");
  flags.Count("threads", "N", &options.threads, 1, 64, "worker threads");
  AddBackendFlag(flags, &options.backend);
  flags.Switch("json", &json, "print JSON");
  flags.Finding(
      "an operation failed that should not, or the system has not got the "
      "backend");
  flags.Example("netpoll demo");
  flags.Example("netpoll demo --seconds 10 --connections 256 --json");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (const auto status = RefuseBackend(flags, options.backend)) return *status;
  options.duration = std::chrono::seconds(seconds);
  const ProgressLine line;
  const std::function<void(const DemoProgress&)> show =
      [&line](const DemoProgress& now) {
        line.Show(absl::StrFormat(
            "%5.1f s  %s messages  %s wakeups  %s timeouts", now.seconds,
            Grouped(now.messages), Grouped(now.stats.wakeups),
            Grouped(now.stats.timeouts)));
      };
  const absl::StatusOr<DemoResult> result =
      demo::RunDemo(options, line.on() ? show : nullptr);
  line.Clear();
  if (!result.ok()) {
    return flags.Fail(std::string(result.status().message()));
  }
  if (json) {
    PrintJson(options, *result);
  } else {
    PrintText(options, *result);
  }
  return result->errors == 0 ? kExitOk : kExitFinding;
}

}  // namespace netpoll::tools
