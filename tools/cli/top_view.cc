// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/cli/top_view.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netpoll/tools/common/json.h"

namespace netpoll::tools {
namespace {

double Of(const Samples& samples, std::string_view name) {
  const auto found = samples.find(name);
  return found == samples.end() ? 0 : found->second;
}

// Two answers and what lies between them.
class Between {
 public:
  Between(const Samples& before, const Samples& after, double seconds)
      : before_(before), after_(after), seconds_(seconds) {}

  double Now(std::string_view name) const { return Of(after_, name); }
  // A server that was started anew has counted less: then from its start.
  double Grown(std::string_view name) const {
    const double now = Of(after_, name);
    const double then = Of(before_, name);
    return now < then ? now : now - then;
  }
  double Rate(std::string_view name) const { return Grown(name) / seconds_; }

  // Of a histogram, in seconds: below what half of all are, and 99 of 100;
  // infinity is more than the last bucket's. Nothing if there were none.
  struct Percentiles {
    std::optional<double> p50, p99;
  };
  Percentiles PercentilesOf(const std::string& family, int worker) const {
    const std::string prefix = absl::StrCat(
        "netpoll_", family, "_bucket{worker=\"", worker, "\",le=\"");
    std::vector<std::pair<double, double>> buckets;
    for (auto at = after_.lower_bound(prefix);
         at != after_.end() && absl::StartsWith(at->first, prefix); ++at) {
      absl::string_view end = at->first;
      end.remove_prefix(prefix.size());
      end.remove_suffix(2);
      double last = HUGE_VAL;
      if (end != "+Inf" && !absl::SimpleAtod(end, &last)) continue;
      buckets.emplace_back(last, Grown(at->first));
    }
    std::sort(buckets.begin(), buckets.end());
    if (buckets.empty() || buckets.back().second == 0) return {};
    const auto below = [&buckets](double part) {
      for (const auto& [last, count] : buckets) {
        if (count >= part * buckets.back().second) return last;
      }
      return HUGE_VAL;
    };
    return {below(0.5), below(0.99)};
  }

 private:
  const Samples& before_;
  const Samples& after_;
  const double seconds_;
};

std::string Labelled(const char* family, int worker, const char* more = "") {
  return absl::StrCat("netpoll_", family, "{worker=\"", worker, "\"", more,
                      "}");
}

struct WorkerRow {
  double runs, polls, woken, steals, breaks, queued;
  std::optional<double> busy;  // A part of 1.
  Between::Percentiles poll, turn;
};

WorkerRow RowOf(const Between& between, int worker) {
  WorkerRow row{};
  const auto rate = [&](const char* family, const char* more = "") {
    return between.Rate(Labelled(family, worker, more));
  };
  row.runs = rate("task_runs_total");
  row.polls = rate("polls_total");
  row.steals = rate("steals_total");
  row.breaks = rate("breaks_total");
  row.queued = between.Now(Labelled("queued_tasks", worker));
  const double woken = rate("wakes_total", ",cause=\"event\"");
  row.woken = row.polls > 0 ? woken / row.polls : 0;
  // What was timed is a sample of both.
  const auto mean = [&](const char* family) {
    const double count =
        between.Grown(Labelled(absl::StrCat(family, "_count").c_str(), worker));
    if (count == 0) return 0.0;
    return between.Grown(
               Labelled(absl::StrCat(family, "_sum").c_str(), worker)) /
           count;
  };
  const double poll = mean("poll_seconds");
  const double turn = mean("turn_seconds");
  if (poll + turn > 0) row.busy = turn / (poll + turn);
  row.poll = between.PercentilesOf("poll_seconds", worker);
  row.turn = between.PercentilesOf("turn_seconds", worker);
  return row;
}

int WorkersIn(const Samples& samples) {
  int workers = 0;
  while (samples.count(Labelled("polls_total", workers)) > 0) ++workers;
  return workers;
}

std::string Time(std::optional<double> seconds) {
  if (!seconds) return "-";
  if (std::isinf(*seconds)) return ">4s";
  if (*seconds < 1e-3) return absl::StrFormat("%.3gus", *seconds * 1e6);
  if (*seconds < 1) return absl::StrFormat("%.3gms", *seconds * 1e3);
  return absl::StrFormat("%.3gs", *seconds);
}

std::string Backend(const Samples& samples) {
  constexpr std::string_view kInfo = "netpoll_info{backend=\"";
  const auto found = samples.lower_bound(kInfo);
  if (found == samples.end() || !absl::StartsWith(found->first, "netpoll_info"))
    return "?";
  const std::string rest = found->first.substr(kInfo.size());
  return rest.substr(0, rest.find('"'));
}

double Wakes(const Between& between, int workers, const char* cause) {
  const std::string label = absl::StrCat(",cause=\"", cause, "\"");
  double all = between.Rate(
      absl::StrCat("netpoll_wakes_total{worker=\"none\"", label, "}"));
  for (int worker = 0; worker < workers; ++worker) {
    all += between.Rate(Labelled("wakes_total", worker, label.c_str()));
  }
  return all;
}

}  // namespace

std::optional<Samples> ParseMetrics(std::string_view text) {
  Samples samples;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.rfind(' ');
    double value = 0;
    if (space == absl::string_view::npos ||
        !absl::SimpleAtod(line.substr(space + 1), &value)) {
      return std::nullopt;
    }
    samples.emplace(std::string(line.substr(0, space)), value);
  }
  if (samples.count("netpoll_tasks") == 0) return std::nullopt;
  return samples;
}

std::string TopText(const std::string& target, const Samples& before,
                    const Samples& after, double seconds) {
  const Between between(before, after, seconds);
  const int workers = WorkersIn(after);
  std::string text = absl::StrFormat(
      "netpoll at %s: %s, %d worker%s\n"
      "clients  %10.0f now  %10.0f/s new  %8.0f/s timeouts  %8.0f/s errors\n"
      "messages %10.0f/s    %10.0f B/s in %10.0f B/s out\n"
      "tasks    %10.0f      %10.0f parked %10.0f descriptors %6.0f timers\n"
      "wakes    %10.0f/s by event %8.0f/s deadline %8.0f/s close %6.0f/s "
      "nudge\n"
      "\n"
      "worker  busy    runs/s   polls/s woken poll p50    p99 turn p50    p99 "
      "queued steals/s breaks/s\n",
      target, Backend(after), workers, workers == 1 ? "" : "s",
      between.Now("netpoll_connections"),
      between.Rate("netpoll_connections_total"),
      between.Rate("netpoll_client_timeouts_total"),
      between.Rate("netpoll_client_errors_total"),
      between.Rate("netpoll_messages_total"),
      between.Rate("netpoll_received_bytes_total"),
      between.Rate("netpoll_sent_bytes_total"), between.Now("netpoll_tasks"),
      between.Now("netpoll_parked_tasks"),
      between.Now("netpoll_open_descriptors"), between.Now("netpoll_timers"),
      Wakes(between, workers, "event"), Wakes(between, workers, "deadline"),
      Wakes(between, workers, "close"), Wakes(between, workers, "nudge"));
  for (int worker = 0; worker < workers; ++worker) {
    const WorkerRow row = RowOf(between, worker);
    const std::string busy =
        row.busy ? absl::StrFormat("%.0f%%", 100 * *row.busy) : "-";
    absl::StrAppendFormat(
        &text, "%6d %5s %9.0f %9.0f %5.1f %8s %6s %8s %6s %6.0f %8.0f %8.0f\n",
        worker, busy, row.runs, row.polls, row.woken, Time(row.poll.p50),
        Time(row.poll.p99), Time(row.turn.p50), Time(row.turn.p99), row.queued,
        row.steals, row.breaks);
  }
  return text;
}

std::string TopJson(const Samples& before, const Samples& after,
                    double seconds) {
  const Between between(before, after, seconds);
  std::vector<JsonObject> rows;
  for (int worker = 0; worker < WorkersIn(after); ++worker) {
    const WorkerRow row = RowOf(between, worker);
    JsonObject json;
    json.Add("worker", worker)
        .Add("task_runs_per_second", row.runs, 1)
        .Add("polls_per_second", row.polls, 1)
        .Add("woken_per_poll", row.woken, 2)
        .Add("steals_per_second", row.steals, 1)
        .Add("breaks_per_second", row.breaks, 1)
        .Add("queued", static_cast<std::int64_t>(row.queued));
    const auto add = [&json](const char* name, std::optional<double> value) {
      if (value && !std::isinf(*value)) {
        json.Add(name, *value, 6);
      } else {
        json.AddNull(name);
      }
    };
    add("busy", row.busy);
    add("poll_seconds_p50", row.poll.p50);
    add("poll_seconds_p99", row.poll.p99);
    add("turn_seconds_p50", row.turn.p50);
    add("turn_seconds_p99", row.turn.p99);
    rows.push_back(json);
  }
  const auto now = [&](const char* name) {
    return static_cast<std::int64_t>(between.Now(name));
  };
  JsonObject json;
  json.Add("seconds", seconds, 3)
      .Add("backend", Backend(after))
      .Add("connections", now("netpoll_connections"))
      .Add("messages_per_second", between.Rate("netpoll_messages_total"), 1)
      .Add("bytes_in_per_second", between.Rate("netpoll_received_bytes_total"),
           1)
      .Add("bytes_out_per_second", between.Rate("netpoll_sent_bytes_total"), 1)
      .Add("tasks", now("netpoll_tasks"))
      .Add("parked", now("netpoll_parked_tasks"))
      .Add("open_descriptors", now("netpoll_open_descriptors"))
      .Add("timers", now("netpoll_timers"))
      .Add("workers", rows);
  return json.text();
}

}  // namespace netpoll::tools
