// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/server/quit_dump.h"
#include "netpoll/tools/server/trace_clock.h"

namespace netpoll::server {

std::unique_ptr<Trace> Trace::New(int workers) {
  if (CounterClock::Works()) {
    return std::make_unique<TraceBy<CounterClock>>(workers);
  }
  return std::make_unique<TraceBy<SystemClock>>(workers);
}

Trace::Trace(int workers, std::size_t events, TickRate rate)
    : rate_(rate),
      last_(events - 1),
      size_((static_cast<std::size_t>(workers) + 1) *
            (sizeof(Ring) + events * sizeof(Event))) {
  // Zeros, and pages that are not written to cost nothing.
  void* const memory =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  rings_ = {static_cast<Ring*>(memory), static_cast<std::size_t>(workers) + 1};
  auto* next = reinterpret_cast<Event*>(rings_.data() + rings_.size());
  for (Ring& ring : rings_) ring.events = std::exchange(next, next + events);
}

Trace::~Trace() { ::munmap(rings_.data(), size_); }

// The time was read before the lock: events of these threads need not be in
// order here.
void Trace::AddElsewhere(std::uint64_t now, End end, ObservedWait wait) {
  const std::lock_guard hold(others_);
  Add(rings_.back(), now, end, wait);
}

std::uint64_t Trace::kept() const {
  std::uint64_t all = 0;
  for (const Ring& ring : rings_) {
    all += std::min<std::uint64_t>(ring.written, last_ + 1);
  }
  return all;
}

std::uint64_t Trace::lost() const {
  std::uint64_t all = 0;
  for (const Ring& ring : rings_) all += ring.written;
  return all - kept();
}

class TraceWriter {
 public:
  using Event = Trace::Event;

  TraceWriter(const Trace& trace, std::FILE* file, bool killed)
      : trace_(trace),
        file_(file),
        killed_(killed),
        tick_(trace.rate_.Nanoseconds()) {}

  bool Write() {
    Collect();
    absl::FPrintF(file_,
                  "{\"displayTimeUnit\": \"ns\", \"otherData\": "
                  "{\"kept\": %d, \"lost\": %d, \"killed\": %s},\n"
                  "\"traceEvents\": [\n",
                  trace_.kept(), trace_.lost(), killed_ ? "true" : "false");
    Name("process_name", kWorkers, 0, "workers");
    Name("process_name", kWaits, 0, "waits on descriptors");
    for (std::size_t i = 0; i + 1 < trace_.rings_.size(); ++i) Worker(i);
    Waits();
    std::fputs("\n]}\n", file_);
    return std::fflush(file_) == 0 && std::ferror(file_) == 0;
  }

 private:
  static constexpr int kWorkers = 1;  // "Processes", which hold tracks.
  static constexpr int kWaits = 2;

  static bool IsWait(const Event& event) { return event.to <= Trace::kEnds; }

  template <class F>
  void Each(const Trace::Ring& ring, F f) const {
    // The oldest may have been half written over.
    const std::uint64_t most = trace_.last_ + (killed_ ? 0 : 1);
    const std::uint64_t all = ring.written.load(std::memory_order_acquire);
    for (std::uint64_t i = all - std::min(all, most); i < all; ++i) {
      f(ring.events[i & trace_.last_]);
    }
  }

  // The waits' ends of all rings in the order of their time, and the first
  // and the last time of all.
  void Collect() {
    begin_ = UINT64_MAX;
    for (const Trace::Ring& ring : trace_.rings_) {
      Each(ring, [this](const Event& event) {
        begin_ = std::min(begin_, event.from);
        end_ = std::max({end_, event.from, event.to});
        if (IsWait(event)) waits_.push_back(event);
      });
      // What is under way may have begun before all that ended.
      if (killed_ && ring.begun != 0) begin_ = std::min(begin_, ring.begun);
    }
    // What was under way when the process ended, ended then.
    if (killed_) end_ = std::max(end_, trace_.rate_.Now());
    std::stable_sort(
        waits_.begin(), waits_.end(),
        [](const Event& a, const Event& b) { return a.from < b.from; });
  }

  void Worker(std::size_t id) {
    const int track = static_cast<int>(id) + 1;
    Name("thread_name", kWorkers, track, absl::StrCat("worker ", id));
    // A run is called after where it went on; if it did not, where it waits.
    const void* where = nullptr;
    std::uint64_t last = 0;
    const Trace::Ring& ring = trace_.rings_[id];
    Each(ring, [&](const Event& event) {
      if (IsWait(event)) {
        if (event.to == Trace::kEnds || where == nullptr) {
          where = event.wait.where;
        }
        return;
      }
      last = event.from;
      if (event.wait.fd == Trace::kRun) {
        Slice(kWorkers, track, event.from, event.to,
              NameOf(std::exchange(where, nullptr)), "run", "{}");
      } else {
        Slice(kWorkers, track, event.from, event.to, "\"poll\"", "poll",
              absl::StrCat("{\"woken\": ", event.wait.fd, "}"));
      }
    });
    if (!killed_ || ring.begun == last || end_ <= ring.begun) return;
    const bool runs = (ring.begun & 1) != 0;
    Slice(kWorkers, track, ring.begun, end_, runs ? NameOf(where) : "\"poll\"",
          runs ? "run" : "poll", "{\"goes_on\": true}");
  }

  // A direction's waits follow each other. One without an end goes on.
  void Waits() {
    std::map<std::pair<int, Mode>, const Event*> begun;
    for (const Event& event : waits_) {
      const auto [found, is_first] =
          begun.try_emplace({event.wait.fd, event.wait.direction});
      const Event*& open = found->second;
      if (is_first) {
        const bool reads = event.wait.direction == Mode::kRead;
        Name("thread_name", kWaits, TrackOf(event),
             absl::StrCat("fd ", event.wait.fd, reads ? " read" : " write"));
      }
      if (event.to == Trace::kBegins) {
        open = &event;
      } else if (const Event* const from = std::exchange(open, nullptr)) {
        Wait(*from, event.from, false);
      }
    }
    for (const auto& [key, event] : begun) {
      if (event != nullptr) Wait(*event, end_, true);
    }
  }

  void Wait(const Event& event, std::uint64_t to, bool goes_on) {
    Slice(kWaits, TrackOf(event), event.from, to, NameOf(event.wait.where),
          "wait", goes_on ? "{\"goes_on\": true}" : "{}");
  }

  static int TrackOf(const Event& event) {
    return 2 * event.wait.fd + (event.wait.direction == Mode::kRead ? 1 : 2);
  }

  // JSON text.
  const std::string& NameOf(const void* where) {
    std::string& name = names_[where];
    if (!name.empty()) return name;
    return name =
               tools::JsonString(where == nullptr ? "task" : FunctionAt(where));
  }

  void Comma() {
    if (!std::exchange(first_, false)) std::fputs(",\n", file_);
  }
  // No time in these: some versions refuse one.
  void Name(const char* kind, int process, int track, const std::string& name) {
    Comma();
    absl::FPrintF(file_,
                  "{\"ph\": \"M\", \"name\": \"%s\", \"pid\": %d, \"tid\": %d, "
                  "\"args\": {\"name\": %s}}",
                  kind, process, track, tools::JsonString(name));
  }
  double Microseconds(std::uint64_t ticks) const {
    return static_cast<double>(ticks) * tick_ / 1000;
  }
  void Slice(int process, int track, std::uint64_t from, std::uint64_t to,
             const std::string& name, const char* kind,
             const std::string& args) {
    Comma();
    absl::FPrintF(file_,
                  "{\"ph\": \"X\", \"name\": %s, \"cat\": \"%s\", \"pid\": %d, "
                  "\"tid\": %d, \"ts\": %.3f, \"dur\": %.3f, \"args\": %s}",
                  name, kind, process, track, Microseconds(from - begin_),
                  Microseconds(to - from), args);
  }

  const Trace& trace_;
  std::FILE* const file_;
  const bool killed_;
  const double tick_;  // In nanoseconds.
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Event> waits_;
  std::map<const void*, std::string> names_;
  bool first_ = true;
};

bool Trace::Write(std::FILE* file, bool killed) const {
  return TraceWriter(*this, file, killed).Write();
}

}  // namespace netpoll::server
