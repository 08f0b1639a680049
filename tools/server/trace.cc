// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/server/quit_dump.h"

namespace netpoll::server {

Trace::Trace(int workers, std::size_t events)
    : events_(events),
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

void Trace::AddWait(int worker, Kind kind, const ObservedWait& wait) {
  const Event event{.from = Runtime::Now(),
                    .to = 0,
                    .where = wait.where,
                    .number = wait.fd,
                    .kind = kind,
                    .direction = wait.direction};
  Ring& ring = RingOf(worker);
  if (worker >= 0) {
    // A run is called after where it went on; if it did not, where it waits.
    if (kind == Kind::kEnd || ring.where == nullptr) ring.where = wait.where;
    return Add(ring, event);
  }
  const std::lock_guard hold(others_);
  Add(ring, event);
}

void Trace::WaitBegins(int worker, const ObservedWait& wait) {
  AddWait(worker, Kind::kBegin, wait);
}

void Trace::WaitEnds(int worker, const ObservedWait& wait) {
  AddWait(worker, Kind::kEnd, wait);
}

void Trace::TaskRan(int worker, std::int64_t from, std::int64_t to) {
  Ring& ring = RingOf(worker);
  Add(ring, {.from = from,
             .to = to,
             .where = std::exchange(ring.where, nullptr),
             .number = 0,
             .kind = Kind::kRun,
             .direction = {}});
}

void Trace::Polled(int worker, std::int64_t from, std::int64_t to, int woken) {
  Add(RingOf(worker), {.from = from,
                       .to = to,
                       .where = nullptr,
                       .number = woken,
                       .kind = Kind::kPoll,
                       .direction = {}});
}

std::uint64_t Trace::kept() const {
  std::uint64_t all = 0;
  for (const Ring& ring : rings_) {
    all += std::min<std::uint64_t>(ring.written, events_);
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
  using Kind = Trace::Kind;

  TraceWriter(const Trace& trace, std::FILE* file, bool killed)
      : trace_(trace), file_(file), killed_(killed) {}

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

  template <class F>
  void Each(const Trace::Ring& ring, F f) const {
    // The oldest may have been half written over.
    const std::uint64_t most = trace_.events_ - (killed_ ? 1 : 0);
    const std::uint64_t all = ring.written.load(std::memory_order_acquire);
    for (std::uint64_t i = all - std::min(all, most); i < all; ++i) {
      f(ring.events[i & (trace_.events_ - 1)]);
    }
  }

  // The waits' ends of all rings in the order of their time, and the first
  // and the last time of all.
  void Collect() {
    begin_ = INT64_MAX;
    for (const Trace::Ring& ring : trace_.rings_) {
      Each(ring, [this](const Event& event) {
        begin_ = std::min(begin_, event.from);
        end_ = std::max({end_, event.from, event.to});
        if (event.kind == Kind::kBegin || event.kind == Kind::kEnd) {
          waits_.push_back(event);
        }
      });
    }
    std::stable_sort(
        waits_.begin(), waits_.end(),
        [](const Event& a, const Event& b) { return a.from < b.from; });
  }

  void Worker(std::size_t id) {
    const int track = static_cast<int>(id) + 1;
    Name("thread_name", kWorkers, track, absl::StrCat("worker ", id));
    Each(trace_.rings_[id], [&](const Event& event) {
      if (event.kind == Kind::kRun) {
        Slice(kWorkers, track, event.from, event.to, NameOf(event.where), "run",
              "{}");
      } else if (event.kind == Kind::kPoll) {
        Slice(kWorkers, track, event.from, event.to, "\"poll\"", "poll",
              absl::StrCat("{\"woken\": ", event.number, "}"));
      }
    });
  }

  // A direction's waits follow each other. One without an end goes on.
  void Waits() {
    std::map<std::pair<int, Mode>, const Event*> begun;
    for (const Event& event : waits_) {
      const auto [found, is_first] =
          begun.try_emplace({event.number, event.direction});
      const Event*& open = found->second;
      if (is_first) {
        const bool reads = event.direction == Mode::kRead;
        Name("thread_name", kWaits, TrackOf(event),
             absl::StrCat("fd ", event.number, reads ? " read" : " write"));
      }
      if (event.kind == Kind::kBegin) {
        open = &event;
      } else if (const Event* const from = std::exchange(open, nullptr)) {
        Wait(*from, event.from, false);
      }
    }
    for (const auto& [key, event] : begun) {
      if (event != nullptr) Wait(*event, end_, true);
    }
  }

  void Wait(const Event& event, std::int64_t to, bool goes_on) {
    Slice(kWaits, TrackOf(event), event.from, to, NameOf(event.where), "wait",
          goes_on ? "{\"goes_on\": true}" : "{}");
  }

  static int TrackOf(const Event& event) {
    return 2 * event.number + (event.direction == Mode::kRead ? 1 : 2);
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
  void Slice(int process, int track, std::int64_t from, std::int64_t to,
             const std::string& name, const char* kind,
             const std::string& args) {
    Comma();
    absl::FPrintF(file_,
                  "{\"ph\": \"X\", \"name\": %s, \"cat\": \"%s\", \"pid\": %d, "
                  "\"tid\": %d, \"ts\": %.3f, \"dur\": %.3f, \"args\": %s}",
                  name, kind, process, track,
                  static_cast<double>(from - begin_) / 1000,
                  static_cast<double>(to - from) / 1000, args);
  }

  const Trace& trace_;
  std::FILE* const file_;
  const bool killed_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::vector<Event> waits_;
  std::map<const void*, std::string> names_;
  bool first_ = true;
};

bool Trace::Write(std::FILE* file, bool killed) const {
  return TraceWriter(*this, file, killed).Write();
}

}  // namespace netpoll::server
