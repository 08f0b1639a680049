// SPDX-License-Identifier: Apache-2.0
//
// Measures any running process for a while: its CPU time, its system calls by
// name, the user-mode share of its time.

#include <poll.h>

#include <cstdint>
#include <cstdio>

#include "netpoll/tools/bench/process_meter.h"
#include "netpoll/tools/common/flags.h"

int main(int argc, char** argv) {
  using namespace netpoll::bench;  // NOLINT
  std::int64_t pid = 0;
  double seconds = 1;
  MeterOptions options{.count_syscalls = true, .sample_hz = 0};
  bool no_syscalls = false;
  netpoll::tools::Flags flags(
      "process_meter",
      "Measures a running process; prints one line of JSON. Counting system "
      "calls needs root.");
  flags.Count("pid", "PID", &pid, 1, "the process");
  flags.Require("pid");
  flags.Real("duration", "SECONDS", &seconds, "for how long");
  flags.Count("sample", "HZ", &options.sample_hz, 0,
              "sample user or kernel mode so many times a second; 0: not");
  flags.Switch("no-syscalls", &no_syscalls, "do not count system calls");
  if (const auto status = flags.Parse(argc, argv)) return *status;
  options.count_syscalls = !no_syscalls;
  ProcessMeter meter(static_cast<pid_t>(pid), options);
  meter.Start();
  ::poll(nullptr, 0, static_cast<int>(seconds * 1000));
  std::printf("%s\n", ReadingToJson(meter.Stop()).text().c_str());
}
