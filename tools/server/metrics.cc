// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/metrics.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {
namespace {

class Writer {
 public:
  explicit Writer(std::vector<WorkerStats> workers)
      : workers_(std::move(workers)) {}

  void One(const char* name, const char* type, const char* help,
           std::int64_t value, const std::string& labels = "") {
    Head(name, type, help);
    Sample(name, "", labels, value);
  }

  template <class T>
  void EachWorker(const char* name, const char* type, const char* help,
                  T WorkerStats::*what) {
    Head(name, type, help);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Sample(name, "", LabelOf(i), workers_[i].*what);
    }
  }

  // Waits that ended, by worker and by what ended them.
  void Wakes() {
    constexpr struct {
      const char* cause;
      std::uint64_t WorkerStats::*what;
    } kCauses[] = {{"event", &WorkerStats::wakeups},
                   {"deadline", &WorkerStats::timeouts},
                   {"close", &WorkerStats::closings},
                   {"nudge", &WorkerStats::nudges}};
    Head("wakes_total", "counter",
         "Waits on descriptors that ended, by what ended them.");
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      for (const auto& [cause, what] : kCauses) {
        Sample("wakes_total", "",
               absl::StrCat(LabelOf(i), ",cause=\"", cause, "\""),
               workers_[i].*what);
      }
    }
  }

  // Each bucket counts those below it too; the last is of all. `per_unit` of
  // the buckets' unit are one of the text's, and of the sum's `per_sum`.
  template <class Histogram>
  void Powers(const char* name, const char* help, Histogram WorkerStats::*what,
              double per_unit, double per_sum) {
    Head(name, "histogram", help);
    for (std::size_t i = 0; i + 1 < workers_.size(); ++i) {  // No others poll.
      const Histogram& all = workers_[i].*what;
      std::uint64_t seen = 0;
      for (std::size_t b = 0; b + 1 < Histogram::kBuckets; ++b) {
        seen += all.buckets[b];
        const double last = static_cast<double>(Histogram::Last(b));
        // Whole microseconds: what is in the bucket is below the next one.
        const double end = per_unit > 1 ? last + 1 : last;
        Sample(name, "_bucket",
               absl::StrCat(LabelOf(i), ",le=\"", end / per_unit, "\""), seen);
      }
      seen += all.buckets[Histogram::kBuckets - 1];
      Sample(name, "_bucket", absl::StrCat(LabelOf(i), ",le=\"+Inf\""), seen);
      absl::StrAppendFormat(&text_, "netpoll_%s_sum{%s} %.9f\n", name,
                            LabelOf(i), static_cast<double>(all.sum) / per_sum);
      Sample(name, "_count", LabelOf(i), seen);
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  void Head(const char* name, const char* type, const char* help) {
    absl::StrAppend(&text_, "# HELP netpoll_", name, " ", help,
                    "\n# TYPE netpoll_", name, " ", type, "\n");
  }
  void Sample(const char* name, const char* suffix, const std::string& labels,
              std::int64_t value) {
    absl::StrAppend(&text_, "netpoll_", name, suffix);
    if (!labels.empty()) absl::StrAppend(&text_, "{", labels, "}");
    absl::StrAppend(&text_, " ", value, "\n");
  }
  std::string LabelOf(std::size_t i) const {
    if (i + 1 == workers_.size()) return "worker=\"none\"";
    return absl::StrCat("worker=\"", i, "\"");
  }

  const std::vector<WorkerStats> workers_;
  std::string text_;
};

void OfRuntime(Writer& out, const Runtime& runtime) {
  const RuntimeStats now = runtime.stats();
  out.One("info", "gauge", "What serves.", 1,
          absl::StrCat("backend=\"", runtime.backend(), "\",threads=\"",
                       runtime.threads(), "\""));
  out.EachWorker("task_runs_total", "counter",
                 "Times a task ran until it waited.", &WorkerStats::task_runs);
  out.EachWorker("polls_total", "counter", "Looks at the system for events.",
                 &WorkerStats::polls);
  out.Wakes();
  out.EachWorker("opens_total", "counter", "Descriptors opened.",
                 &WorkerStats::opens);
  out.EachWorker("breaks_total", "counter",
                 "Breaks of a blocking poll asked for.", &WorkerStats::breaks);
  out.One("breaks_sent_total", "counter",
          "Breaks that cost a system call; the others were coalesced.",
          now.breaks_sent);
  out.EachWorker("steals_total", "counter",
                 "Times a worker took tasks from another.",
                 &WorkerStats::steals);
  out.One("stale_events_total", "counter",
          "Events dropped because their descriptor had been closed.",
          now.stale_events);
  out.Powers("poll_batch", "Tasks that one poll woke.", &WorkerStats::batches,
             1, 1);
  out.Powers("poll_seconds",
             "How long a poll took, waiting included; not all are timed.",
             &WorkerStats::poll_times, 1e6, 1e9);
  out.Powers("turn_seconds",
             "How long tasks ran between two polls; not all are timed.",
             &WorkerStats::turn_times, 1e6, 1e9);
  out.EachWorker("queued_tasks", "gauge",
                 "Runnable tasks in the worker's queue.", &WorkerStats::queued);
  out.One("parked_tasks", "gauge", "Tasks that wait on a descriptor.",
          now.parked);
  out.One("tasks", "gauge", "Tasks that have not ended.", now.tasks);
  out.One("open_descriptors", "gauge", "Descriptors open in the poller.",
          now.open);
  out.One("timers", "gauge", "Deadlines and sleeps, some of them called off.",
          now.timers);
}

void OfServer(Writer& out, const Totals& totals) {
  const Counts& counts = totals.counts;
  out.One("connections_total", "counter", "Clients accepted.",
          totals.connections);
  out.One("connections", "gauge", "Clients connected.", totals.open);
  out.One("messages_total", "counter", "Requests answered, or reads echoed.",
          counts.messages);
  out.One("received_bytes_total", "counter", "Bytes from clients.",
          counts.bytes_in);
  out.One("sent_bytes_total", "counter", "Bytes to clients.", counts.bytes_out);
  out.One("client_timeouts_total", "counter",
          "Clients closed because they took too long.", counts.timeouts);
  out.One("client_errors_total", "counter",
          "Malformed requests, and failures of the system.", counts.errors);
  out.One("refused_total", "counter",
          "Clients that had to wait or were dropped, for lack of means.",
          totals.refused);
}

}  // namespace

std::string MetricsText(const Runtime& runtime, const Totals& totals) {
  Writer out(runtime.worker_stats());
  OfRuntime(out, runtime);
  OfServer(out, totals);
  return out.Take();
}

}  // namespace netpoll::server
