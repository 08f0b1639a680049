// SPDX-License-Identifier: Apache-2.0
//
// What a process uses between two moments: CPU time (exact, in nanoseconds),
// user and system time as the kernel splits it, its system calls by name
// (kernel tracepoints: exact, at full speed), and the share of its CPU time
// that it spends in user mode (by sampling).
//
// System calls and samples need root or CAP_PERFMON. strace would need neither
// but slows the process so much that replies have arrived before the second
// read: it counts too few of them.

#ifndef NETPOLL_TOOLS_BENCH_PROCESS_METER_H_
#define NETPOLL_TOOLS_BENCH_PROCESS_METER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/tools/common/json.h"

namespace netpoll::bench {

struct MeterOptions {
  bool count_syscalls = false;
  std::int64_t sample_hz = 0;  // 0: no sampling.
};

struct MeterReading {
  std::int64_t cpu_nanos = 0;
  // As in /proc/PID/stat: sampled at the timer tick, in steps of 10 ms.
  double user_seconds = 0;
  double system_seconds = 0;
  // Of all system calls; by name only those that were made. "eventfd" is the
  // reads and writes of eventfds, and is also part of "read" and "write".
  std::uint64_t syscalls = 0;
  std::vector<std::pair<std::string, std::uint64_t>> by_name;
  std::uint64_t user_samples = 0;
  std::uint64_t samples = 0;
  std::uint64_t lost_samples = 0;
  // Why system calls or samples are missing though they were asked for.
  std::string note;
};

// Watches all threads that the process has at Start, and those that they make.
class ProcessMeter {
 public:
  ProcessMeter(pid_t pid, MeterOptions options);
  ~ProcessMeter();
  ProcessMeter(const ProcessMeter&) = delete;
  ProcessMeter& operator=(const ProcessMeter&) = delete;

  void Start();
  MeterReading Stop();

 private:
  struct Counter {
    int fd;
    std::size_t name;  // Index in names_; 0 is the sum.
  };
  struct Sampler {
    int fd;
    void* ring;
  };

  void OpenCounters(pid_t thread);
  void OpenCounter(pid_t thread, const std::string& event,
                   const std::string& filter, std::size_t name);
  void OpenSampler(pid_t thread);
  void CloseAll();
  void ReadCounters(MeterReading* reading) const;

  pid_t pid_;
  MeterOptions options_;
  std::vector<std::string> names_;
  std::vector<Counter> counters_;
  std::vector<Sampler> samplers_;
  MeterReading before_;
  std::string note_;
};

tools::JsonObject ReadingToJson(const MeterReading& reading);

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_PROCESS_METER_H_
