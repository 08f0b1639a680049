// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/bench/process_meter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "netpoll/tools/bench/die.h"

namespace netpoll::bench {
namespace {

// The calls that a network server may make in a loop. Whatever else it makes is
// in the sum, and shows as "other". A tracepoint costs only the call that it
// belongs to.
constexpr const char* kCalls[] = {
    "read",           "write",           "readv",           "writev",
    "recvfrom",       "sendto",          "recvmsg",         "sendmsg",
    "accept",         "accept4",         "close",           "shutdown",
    "epoll_wait",     "epoll_pwait",     "epoll_pwait2",    "epoll_ctl",
    "poll",           "ppoll",           "futex",           "sched_yield",
    "nanosleep",      "clock_nanosleep", "timerfd_settime", "io_uring_enter",
    "mmap",           "munmap",          "madvise",         "brk",
    "getpid",         "clock_gettime",   "fcntl",           "setsockopt",
    "rt_sigprocmask", "tgkill",
};

constexpr const char* kTracing = "/sys/kernel/tracing";
constexpr std::size_t kPage = 4096;
constexpr std::size_t kRingSize = std::size_t{1} << 22;

int PerfEventOpen(perf_event_attr* attr, pid_t thread) {
  return static_cast<int>(::syscall(SYS_perf_event_open, attr, thread, -1, -1,
                                    PERF_FLAG_FD_CLOEXEC));
}

// The tracepoint's number, or -1.
std::int64_t TracepointId(const std::string& event) {
  std::ifstream file(absl::StrCat(kTracing, "/events/", event, "/id"));
  std::int64_t id = -1;
  return file >> id ? id : -1;
}

std::vector<std::int64_t> ListNumbers(const std::string& directory) {
  std::vector<std::int64_t> numbers;
  DIR* const dir = ::opendir(directory.c_str());
  if (dir == nullptr) return numbers;
  while (const dirent* const entry = ::readdir(dir)) {
    std::int64_t number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.push_back(number);
  }
  ::closedir(dir);
  return numbers;
}

// A tracepoint filter that is true for the process's eventfds; "" if it has
// none.
std::string EventFdFilter(pid_t pid) {
  std::vector<std::string> terms;
  const std::string directory = absl::StrCat("/proc/", pid, "/fd");
  for (const std::int64_t fd : ListNumbers(directory)) {
    char target[64];
    const ssize_t size = ::readlink(absl::StrCat(directory, "/", fd).c_str(),
                                    target, sizeof(target));
    if (size > 0 && absl::string_view(target, size) == "anon_inode:[eventfd]") {
      terms.push_back(absl::StrCat("fd == ", fd));
    }
  }
  return absl::StrJoin(terms, " || ");
}

std::int64_t CpuNanos(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 ||
      ::clock_gettime(clock, &used) != 0) {
    Die(absl::StrCat("there is no process ", pid));
  }
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

void ReadTimes(pid_t pid, MeterReading* reading) {
  reading->cpu_nanos = CpuNanos(pid);
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(file, text);
  // After the name in parentheses, which may hold anything: the state is field
  // 3, user time 14, system time 15.
  std::istringstream fields(
      text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  reading->user_seconds = user / per_second;
  reading->system_seconds = system / per_second;
}

// Counts the records in a ring, which nobody writes to any more.
void CountSamples(void* ring, MeterReading* reading) {
  auto* const page = static_cast<perf_event_mmap_page*>(ring);
  const char* const data = static_cast<const char*>(ring) + kPage;
  const std::uint64_t end = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  std::uint64_t at = page->data_tail;
  while (at < end) {
    perf_event_header header;
    ::memcpy(&header, data + at % kRingSize, sizeof(header));
    if (header.size < sizeof(header)) break;
    const unsigned mode = header.misc & PERF_RECORD_MISC_CPUMODE_MASK;
    if (header.type == PERF_RECORD_SAMPLE) {
      ++reading->samples;
      if (mode == PERF_RECORD_MISC_USER) ++reading->user_samples;
    } else if (header.type == PERF_RECORD_LOST) {
      std::uint64_t lost = 0;  // After the header: id, count.
      ::memcpy(&lost, data + (at + sizeof(header) + 8) % kRingSize, 8);
      reading->lost_samples += lost;
    }
    at += header.size;
  }
  __atomic_store_n(&page->data_tail, end, __ATOMIC_RELEASE);
}

}  // namespace

ProcessMeter::ProcessMeter(pid_t pid, MeterOptions options)
    : pid_(pid), options_(options) {}

ProcessMeter::~ProcessMeter() { CloseAll(); }

void ProcessMeter::CloseAll() {
  for (const Counter& counter : counters_) ::close(counter.fd);
  for (const Sampler& sampler : samplers_) {
    ::munmap(sampler.ring, kPage + kRingSize);
    ::close(sampler.fd);
  }
  counters_.clear();
  samplers_.clear();
}

void ProcessMeter::OpenCounter(pid_t thread, const std::string& event,
                               const std::string& filter, std::size_t name) {
  const std::int64_t id = TracepointId(event);
  if (id < 0) return;  // This kernel has no such call.
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = static_cast<std::uint64_t>(id);
  attr.disabled = 1;
  attr.inherit = 1;
  const int fd = PerfEventOpen(&attr, thread);
  if (fd < 0) {
    note_ = absl::StrCat("perf_event_open: ", ::strerror(errno));
    return;
  }
  if (!filter.empty() &&
      ::ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter.c_str()) != 0) {
    note_ = absl::StrCat("tracepoint filter: ", ::strerror(errno));
    ::close(fd);
    return;
  }
  counters_.push_back({fd, name});
}

void ProcessMeter::OpenCounters(pid_t thread) {
  OpenCounter(thread, "raw_syscalls/sys_enter", "", 0);
  for (std::size_t i = 0; i < std::size(kCalls); ++i) {
    OpenCounter(thread, absl::StrCat("syscalls/sys_enter_", kCalls[i]), "",
                i + 1);
  }
  const std::string eventfds = EventFdFilter(pid_);
  if (eventfds.empty()) return;
  for (const char* const call : {"read", "write"}) {
    OpenCounter(thread, absl::StrCat("syscalls/sys_enter_", call), eventfds,
                names_.size() - 1);
  }
}

void ProcessMeter::OpenSampler(pid_t thread) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_SOFTWARE;
  attr.size = sizeof(attr);
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.sample_period =
      1'000'000'000 / static_cast<std::uint64_t>(options_.sample_hz);
  attr.disabled = 1;
  attr.exclude_hv = 1;
  const int fd = PerfEventOpen(&attr, thread);
  if (fd < 0) {
    note_ = absl::StrCat("perf_event_open: ", ::strerror(errno));
    return;
  }
  void* const ring = ::mmap(nullptr, kPage + kRingSize, PROT_READ | PROT_WRITE,
                            MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) {
    note_ = absl::StrCat("mmap of the sample buffer: ", ::strerror(errno));
    ::close(fd);
    return;
  }
  samplers_.push_back({fd, ring});
}

void ProcessMeter::Start() {
  CloseAll();
  note_.clear();
  names_ = {"sum"};
  for (const char* const call : kCalls) names_.push_back(call);
  names_.push_back("eventfd");
  const auto threads = ListNumbers(absl::StrCat("/proc/", pid_, "/task"));
  if (options_.count_syscalls) {
    if (TracepointId("raw_syscalls/sys_enter") < 0 && ::geteuid() == 0) {
      ::mount("tracefs", kTracing, "tracefs", 0, nullptr);
    }
    if (TracepointId("raw_syscalls/sys_enter") < 0) {
      note_ = absl::StrCat(kTracing, " cannot be read");
    } else {
      for (const std::int64_t thread : threads) {
        OpenCounters(static_cast<pid_t>(thread));
      }
    }
  }
  if (options_.sample_hz > 0) {
    for (const std::int64_t thread : threads) {
      OpenSampler(static_cast<pid_t>(thread));
    }
  }
  before_ = MeterReading();
  ReadTimes(pid_, &before_);
  for (const auto& each : counters_) ::ioctl(each.fd, PERF_EVENT_IOC_ENABLE, 0);
  for (const auto& each : samplers_) ::ioctl(each.fd, PERF_EVENT_IOC_ENABLE, 0);
}

void ProcessMeter::ReadCounters(MeterReading* reading) const {
  std::vector<std::uint64_t> totals(names_.size());
  for (const Counter& counter : counters_) {
    std::uint64_t value = 0;
    if (::read(counter.fd, &value, sizeof(value)) == sizeof(value)) {
      totals[counter.name] += value;
    }
  }
  reading->syscalls = totals[0];
  std::uint64_t named = 0;
  for (std::size_t i = 1; i < totals.size(); ++i) {
    if (i + 1 < totals.size()) named += totals[i];
    if (totals[i] > 0) reading->by_name.emplace_back(names_[i], totals[i]);
  }
  if (totals[0] > named)
    reading->by_name.emplace_back("other", totals[0] - named);
}

MeterReading ProcessMeter::Stop() {
  for (const auto& each : counters_) {
    ::ioctl(each.fd, PERF_EVENT_IOC_DISABLE, 0);
  }
  for (const auto& each : samplers_) {
    ::ioctl(each.fd, PERF_EVENT_IOC_DISABLE, 0);
  }
  MeterReading reading;
  ReadTimes(pid_, &reading);
  reading.cpu_nanos -= before_.cpu_nanos;
  reading.user_seconds -= before_.user_seconds;
  reading.system_seconds -= before_.system_seconds;
  ReadCounters(&reading);
  for (const Sampler& each : samplers_) CountSamples(each.ring, &reading);
  reading.note = note_;
  CloseAll();
  return reading;
}

tools::JsonObject ReadingToJson(const MeterReading& reading) {
  tools::JsonObject calls;
  for (const auto& [name, count] : reading.by_name) calls.Add(name, count);
  tools::JsonObject json;
  return json.Add("cpu_nanos", reading.cpu_nanos)
      .Add("user_seconds", reading.user_seconds, 6)
      .Add("system_seconds", reading.system_seconds, 6)
      .Add("syscalls", reading.syscalls)
      .Add("by_name", calls)
      .Add("user_samples", reading.user_samples)
      .Add("samples", reading.samples)
      .Add("lost_samples", reading.lost_samples)
      .Add("note", reading.note);
}

}  // namespace netpoll::bench
