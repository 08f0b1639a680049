// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/check_report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/dispatch.h"
#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {
namespace {

using model::Certificate;
using model::Verdict;

// "L2" of "L2: a task is parked on a closing descriptor".
std::string KindOf(const std::string& violation) {
  return violation.substr(0, violation.find(':'));
}

// So many lines leave the first of them in sight.
constexpr std::size_t kOfAScreen = 12;

std::string Several(std::size_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string Json(const Verdict& verdict) {
  JsonObject json;
  json.Add("configuration", verdict.scenario)
      .Add("about", verdict.about)
      .Add("holds", verdict.ok())
      .Add("complete", verdict.result.complete);
  AddExact(json, "states", verdict.result.states);
  AddExact(json, "reduced_states", verdict.reduced_states);
  AddExact(json, "transitions", verdict.result.transitions);
  if (verdict.ok()) {
    AddExact(json, "at_rest", verdict.survey.at_rest);
    if (verdict.closed()) {
      AddExact(json, "components", verdict.cycles.components);
      AddExact(json, "cyclic_components", verdict.cycles.cyclic);
      AddExact(json, "states_in_cycles", verdict.cycles.in_cycles);
    }
    if (verdict.survey.acyclic) {
      json.Add("interleavings", verdict.survey.interleavings.Text())
          .Add("longest", verdict.survey.longest);
    } else {
      json.AddNull("interleavings").AddNull("longest");
    }
    json.Add("digest",
             absl::StrCat(absl::Hex(verdict.survey.digest, absl::kZeroPad16)));
  } else if (!verdict.violation.empty()) {
    json.Add("violation", verdict.violation);
  }
  if (verdict.story.broken()) {
    const model::Diagnosis diagnosis = Diagnose(verdict.story);
    json.Add("diagnosis", diagnosis.sentence);
    if (diagnosis.task >= 0) {
      json.Add("task", verdict.story.threads[diagnosis.task]);
    }
    json.Add("steps", verdict.story.schedule.size())
        .Add("replay", model::ReplayStringOf(verdict.story));
  }
  return json.Add("seconds", verdict.seconds, 3).text();
}

std::string JsonStrings(const std::vector<std::string>& list) {
  std::string text = "[";
  for (const std::string& one : list) {
    absl::StrAppend(&text, text.size() == 1 ? "" : ", ", JsonString(one));
  }
  return text + "]";
}

std::string Json(const model::Coverage& coverage) {
  return absl::StrCat(
      "{\"rows\": ", coverage.rows, ", \"rows_met\": ", coverage.rows_met,
      ", \"rows_missing\": ", JsonStrings(coverage.rows_missing),
      ", \"accesses\": ", coverage.sites,
      ", \"accesses_met\": ", coverage.sites_met,
      ", \"accesses_missing\": ", JsonStrings(coverage.sites_missing),
      ", \"unexplained\": ", JsonStrings(coverage.Unexplained()), "}");
}

}  // namespace

JsonObject& AddExact(JsonObject& json, const char* name, std::uint64_t number) {
  constexpr std::uint64_t kMostOfADouble = std::uint64_t{1} << 53;
  return number <= kMostOfADouble ? json.Add(name, number)
                                  : json.Add(name, absl::StrCat(number));
}

std::string CheckJson::Text() const {
  std::string text = absl::StrCat(
      "{\n  \"version\": ", JsonString(kVersion),
      ",\n  \"source\": ", JsonString(model::SourceDigest()),
      ",\n  \"variant\": ", JsonString(variant),
      ",\n  \"memory_model\": ", JsonString(memory_model),
      ",\n  \"holds\": ", holds ? "true" : "false",
      ",\n  \"coverage\": ", coverage, ",\n  \"summary\": ", summary,
      ",\n  \"left_out\": ", JsonStrings(left_out), ",\n  \"results\": [");
  const char* between = "\n    ";
  for (const std::string& one : results) {
    absl::StrAppend(&text, between, one);
    between = ",\n    ";
  }
  return text + "\n  ]\n}\n";
}

std::size_t Shortest(const std::vector<Broken>& broken) {
  const auto shorter = [](const Broken& a, const Broken& b) {
    if (a.at_once != b.at_once) return b.at_once;
    return a.steps < b.steps;
  };
  return static_cast<std::size_t>(
      std::min_element(broken.begin(), broken.end(), shorter) - broken.begin());
}

namespace {

std::string LineForEach(const std::vector<Broken>& broken,
                        const std::vector<std::size_t>& order, int width) {
  std::string text;
  for (const std::size_t at : order) {
    const Broken& one = broken[at];
    std::string line =
        absl::StrFormat("  %-24s %9s  %s", one.configuration,
                        Several(one.steps, "step"), one.violation);
    if (!one.who.empty()) absl::StrAppend(&line, ": ", one.who);
    if (line.size() > static_cast<std::size_t>(width)) {
      line.resize(static_cast<std::size_t>(width - 1));
      line += '~';
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace

std::string VerdictText(const std::vector<Broken>& broken, bool all,
                        int width) {
  const std::size_t shortest = Shortest(broken);
  std::set<std::string> kinds;
  for (const Broken& one : broken) kinds.insert(KindOf(one.violation));
  std::string text = absl::StrCat(
      "BROKEN: ", Several(broken.size(), "configuration"), ", ",
      Several(kinds.size(), "kind"), ", shortest ",
      Several(broken[shortest].steps, "step"), " in ",
      broken[shortest].configuration, "\n\n", broken[shortest].configuration,
      ": ", broken[shortest].text, "\n");
  if (broken.size() == 1) return text;
  std::vector<std::size_t> order(broken.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return broken[a].steps < broken[b].steps;
  });
  order.erase(std::find(order.begin(), order.end(), shortest));
  if (all) {
    for (const std::size_t at : order) {
      absl::StrAppend(&text, broken[at].configuration, ": ", broken[at].text,
                      "\n");
    }
    return text;
  }
  absl::StrAppend(&text, "and broken also (--all tells each in full, --only ",
                  "NAME one):\n");
  return text + LineForEach(broken, order, width);
}

CheckReport::CheckReport(const CheckOutput& wanted, LeftOut left_out)
    : wanted_(wanted),
      left_out_(std::move(left_out)),
      columns_(::isatty(STDOUT_FILENO) != 0
                   ? model::TerminalWidth(STDOUT_FILENO)
                   : model::kEverything) {
  if (!wanted.json) std::fputs(Certificate::Head(columns_).c_str(), stdout);
}

void CheckReport::Add(const Verdict& verdict) {
  verdicts_.push_back(verdict);
  if (!verdict.violation.empty()) {
    AddBroken(verdict);
    return;
  }
  if (!verdict.ok()) {
    ++cut_off_;
    if (wanted_.json) return;
    std::printf("%s: cut off after %llu states: not all was explored\n",
                verdict.scenario.c_str(),
                static_cast<unsigned long long>(verdict.result.states));
    return;
  }
  if (verdict.closed()) {
    closed_ += model::ClosedLine(verdict, columns_);
    return;
  }
  // Once something is broken, what holds is not what the reader looks for.
  if (!wanted_.json && broken_.empty()) {
    std::fputs(Certificate::Line(verdict, columns_).c_str(), stdout);
    std::fflush(stdout);
  }
  certificate_.Add(verdict);
  if (verdict.reduced_states == 0) return;
  reduced_ += verdict.reduced_states;
  reduced_from_ += verdict.result.states;
}

void CheckReport::AddBroken(const Verdict& verdict) {
  const model::Story& story = verdict.story;
  Broken broken;
  broken.configuration = verdict.scenario;
  broken.violation = verdict.violation;
  broken.steps = story.schedule.size();
  broken.at_once = !story.broken() || story.threads[0] == "builder" ||
                   story.threads[0] == "arithmetic";
  broken.text = verdict.Counterexample(model::TerminalWidth(STDOUT_FILENO));
  if (story.broken()) {
    const int task = Diagnose(story).task;
    if (task >= 0) broken.who = story.threads[task];
  }
  broken_at_.push_back(verdicts_.size() - 1);
  broken_.push_back(std::move(broken));
}

const Verdict* CheckReport::shortest() const {
  if (broken_.empty()) return nullptr;
  return &verdicts_[broken_at_[Shortest(broken_)]];
}

int CheckReport::Finish(double seconds) {
  if (wanted_.json) {
    std::fputs(WholeJson(seconds).c_str(), stdout);
  } else if (!broken_.empty()) {
    std::printf("\n%s\n", VerdictText(broken_, wanted_.all,
                                      model::TerminalWidth(STDOUT_FILENO))
                              .c_str());
  } else {
    std::fputs(certificate_.Total(columns_).c_str(), stdout);
    if (judges_coverage()) {
      std::fputs(certificate_.coverage().Text().c_str(), stdout);
    }
    if (!closed_.empty()) {
      std::fputs((model::ClosedHead(columns_) + closed_).c_str(), stdout);
    }
    if (reduced_ != 0) {
      absl::PrintF(
          "partial-order reduction: %d states instead of %d, the same states "
          "at rest\n",
          reduced_, reduced_from_);
    }
  }
  if (!wanted_.json) {
    if (!left_out_.text.empty()) {
      const int width = model::TerminalWidth(STDOUT_FILENO);
      std::fputs(model::Wrapped(left_out_.text, width, "  ").c_str(), stdout);
    }
    const std::string last = absl::StrFormat(
        "source %s, %.1f s; %s", model::SourceDigest(), seconds, Summary());
    // A file has it on one line.
    std::fputs(columns_ == model::kEverything
                   ? (last + "\n").c_str()
                   : model::Wrapped(last, columns_, "  ").c_str(),
               stdout);
  }
  return holds() ? kExitOk : kExitFinding;
}

bool CheckReport::holds() const {
  return !failed() &&
         (!judges_coverage() || certificate_.coverage().Unexplained().empty());
}

std::string CheckReport::Summary() const {
  const std::size_t holds =
      verdicts_.size() - broken_.size() - static_cast<std::size_t>(cut_off_);
  if (failed()) {
    return absl::StrCat(
        broken_.empty()
            ? ""
            : absl::StrCat("properties are broken in ",
                           Several(broken_.size(), "configuration"), ", "),
        cut_off_ == 0 ? "" : absl::StrCat(cut_off_, " cut off, "),
        "and hold in ", holds,
        postponed_ == 0 ? ""
                        : absl::StrCat("; ", postponed_,
                                       " of runs of any length are looked at "
                                       "when these hold"),
        wanted_.whole ? "; what the matrix covers is judged when all hold" : "",
        broken_.size() <= kOfAScreen
            ? ""
            : absl::StrCat("; the shortest, ", shortest()->scenario,
                           ", is told above, at BROKEN"));
  }
  return absl::StrCat(
      "every property holds in every interleaving (sequentially consistent, no "
      "bound)",
      closed_.empty() ? "" : ", and in every run of any length");
}

std::string CheckReport::WholeJson(double seconds) const {
  JsonObject summary;
  summary.Add("configurations", verdicts_.size())
      .Add("broken", broken_.size())
      .Add("cut_off", cut_off_)
      .Add("left_out", left_out_.configurations.size())
      .Add("postponed", postponed_);
  std::set<std::string> kinds;
  for (const Broken& one : broken_) kinds.insert(KindOf(one.violation));
  summary.Add("kinds", kinds.size());
  if (const Verdict* const first = shortest()) {
    summary.Add("shortest", first->scenario)
        .Add("steps", first->story.schedule.size());
  } else {
    summary.AddNull("shortest").AddNull("steps");
  }
  summary.Add("seconds", seconds, 3);
  CheckJson json{.variant = wanted_.variant,
                 .memory_model = "interleavings",
                 .holds = holds(),
                 .coverage = "null",
                 .summary = summary.text(),
                 .left_out = left_out_.configurations,
                 .results = {}};
  if (judges_coverage()) json.coverage = Json(certificate_.coverage());
  for (const Verdict& one : verdicts_) json.results.push_back(Json(one));
  return json.Text();
}

}  // namespace netpoll::tools
