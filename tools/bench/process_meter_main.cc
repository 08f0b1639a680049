// SPDX-License-Identifier: Apache-2.0
//
// Measures any running process for a while: its CPU time, its system calls by
// name, the user-mode share of its time.

#include <poll.h>

#include <cstdint>
#include <cstdio>

#include "netpoll/tools/bench/flags.h"
#include "netpoll/tools/bench/process_meter.h"

int main(int argc, char** argv) {
  using namespace netpoll::bench;  // NOLINT
  std::int64_t pid = 0;
  double seconds = 1;
  MeterOptions options{.count_syscalls = true, .sample_hz = 0};
  bool no_syscalls = false;
  ParseFlags(argc, argv,
             "Measures a running process; prints one line of JSON. Counting "
             "system calls needs root.",
             {{"pid", &pid, "the process"},
              {"duration", &seconds, "seconds (1)"},
              {"sample", &options.sample_hz,
               "sample user or kernel mode so many times a second (0: not)"},
              {"no-syscalls", &no_syscalls, "do not count system calls"}});
  if (pid == 0) BadUse("--pid is missing");
  options.count_syscalls = !no_syscalls;
  ProcessMeter meter(static_cast<pid_t>(pid), options);
  meter.Start();
  ::poll(nullptr, 0, static_cast<int>(seconds * 1000));
  std::printf("{%s}\n", ReadingToJson(meter.Stop()).c_str());
}
