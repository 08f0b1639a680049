// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/trace_file.h"

#include <algorithm>
#include <cstddef>

#include "netpoll/model/report/perfetto.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kFirst = "netpoll trace ";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kNoViolation = "no property was broken";

std::string LineOf(const Story& story, const Moment& moment) {
  std::string text = std::to_string(moment.step) + " " +
                     story.threads[moment.thread] + " " + moment.site + " " +
                     moment.operation;
  if (!moment.object.empty()) {
    text += " " + moment.object + " " + moment.before + " -> " + moment.after;
  }
  return text;
}

std::string Configuration(const ReplayString& replay) {
  return replay.variant == "shipped" ? replay.scenario
                                     : replay.variant + "/" + replay.scenario;
}

std::string Quote(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// The header's value of `name`, or a sentence in `wrong`.
std::string TakeHeader(std::string_view line, int number, std::string_view name,
                       std::string* wrong) {
  if (line.starts_with(name) && line.size() > name.size() + 1 &&
      line[name.size()] == ' ') {
    return std::string(line.substr(name.size() + 1));
  }
  if (wrong->empty()) {
    *wrong = "line " + std::to_string(number) + " of the trace is not '" +
             std::string(name) + " ...'";
  }
  return "";
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

std::string TraceFileText(const Story& story) {
  ReplayString replay;
  replay.variant = story.variant;
  replay.scenario = story.scenario;
  std::string text = std::string(kFirst) + std::string(kVersion) + "\n";
  text += "configuration " + Configuration(replay) + "\n";
  text += "source " + std::string(SourceDigest()) + "\n";
  text += "replay " + ReplayStringOf(story) + "\n";
  text += "verdict " +
          (story.broken() ? story.violation : std::string(kNoViolation)) + "\n";
  for (const Moment& moment : story.moments) {
    text += LineOf(story, moment);
    const std::string place = PlaceOfMoment(moment);
    if (!place.empty()) text += " @" + place;
    text += "\n";
  }
  return text;
}

std::string TraceText(std::string_view file, const Story& story) {
  return file.ends_with(".json") ? PerfettoTrace(story) : TraceFileText(story);
}

bool TraceFile::Looks(std::string_view text) {
  return text.starts_with(kFirst);
}

std::string TraceFile::Parse(std::string_view text, TraceFile* parsed) {
  *parsed = {};
  const std::vector<std::string_view> lines = Lines(text);
  if (lines.empty() || !lines[0].starts_with(kFirst)) {
    return "this is not a trace: one begins with '" + std::string(kFirst) +
           std::string(kVersion) + "'";
  }
  const std::string_view version = lines[0].substr(kFirst.size());
  if (version != kVersion) {
    return "the trace is of version " + Quote(version.substr(0, 10)) +
           ", and this program reads version " + std::string(kVersion);
  }
  constexpr std::size_t kHeader = 5;
  if (lines.size() < kHeader) return "the trace ends within its header";
  std::string wrong;
  const std::string configuration =
      TakeHeader(lines[1], 2, "configuration", &wrong);
  const std::string source = TakeHeader(lines[2], 3, "source", &wrong);
  const std::string replay = TakeHeader(lines[3], 4, "replay", &wrong);
  parsed->verdict = TakeHeader(lines[4], 5, "verdict", &wrong);
  if (!wrong.empty()) return wrong;
  wrong = ReplayString::Parse(replay, &parsed->replay);
  if (!wrong.empty()) return "line 4 of the trace: " + wrong;
  if (configuration != Configuration(parsed->replay) ||
      source != parsed->replay.digest) {
    return "the trace's header contradicts its replay string";
  }
  for (std::size_t i = kHeader; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::string_view line = lines[i];
    const std::size_t place = line.rfind(" @");
    if (place != std::string_view::npos) line = line.substr(0, place);
    parsed->lines.push_back({static_cast<int>(i) + 1, std::string(line)});
  }
  return "";
}

std::string TraceFile::Compare(const Story& story) const {
  const std::size_t moments = story.moments.size();
  for (std::size_t i = 0; i < std::max(lines.size(), moments); ++i) {
    const std::string found =
        i < moments ? LineOf(story, story.moments[i]) : "the end of the run";
    if (i >= lines.size()) {
      return "the trace ends after line " +
             std::to_string(lines.empty() ? 5 : lines.back().number) +
             ", but the run goes on: found " + Quote(found);
    }
    if (lines[i].text == found) continue;
    std::string why = "the trace went stale at line " +
                      std::to_string(lines[i].number) + ": expected " +
                      Quote(lines[i].text) + ", found " + Quote(found);
    if (i >= moments && story.stuck_at != 0) {
      why += " (" + Diagnose(story).sentence + ")";
    }
    return why;
  }
  const std::string found =
      story.broken() ? story.violation : std::string(kNoViolation);
  if (verdict != found) {
    return "the trace's verdict went stale: expected " + Quote(verdict) +
           ", found " + Quote(found);
  }
  return "";
}

}  // namespace netpoll::model
