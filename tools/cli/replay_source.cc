// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/replay_source.h"

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/model/graphs/graph_schedule.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::HandWritten;
using model::ReplayString;
using model::TraceFile;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool LooksPrinted(std::string_view word) {
  const bool kind = word.starts_with("np") || word.starts_with("ng");
  return kind && word.size() > 3 && word[2] >= '0' && word[2] <= '9' &&
         word.find(':') != std::string_view::npos;
}

// The strings in a text of any kind: what check printed, a mail, a log.
std::vector<std::string_view> PrintedIn(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n\"'`()<>,";
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(kAround);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(kAround));
    if (LooksPrinted(word)) found.push_back(word);
    text.remove_prefix(word.size());
  }
  return found;
}

int ReadPrinted(const Flags& flags, std::string_view text,
                ReplaySource* source) {
  if (model::IsGraphString(text)) {
    source->graph = std::string(text);
    return kExitOk;
  }
  ReplayString replay;
  const std::string wrong = ReplayString::Parse(text, &replay);
  if (!wrong.empty()) return flags.Fail(wrong);
  source->replay = replay;
  return kExitOk;
}

int ReadText(const Flags& flags, const std::string& name, std::string_view text,
             ReplaySource* source) {
  if (TraceFile::Looks(text)) {
    TraceFile trace;
    const std::string wrong = TraceFile::Parse(text, &trace);
    if (!wrong.empty()) return flags.Fail(wrong);
    source->trace = trace;
    return kExitOk;
  }
  const std::vector<std::string_view> printed = PrintedIn(text);
  if (!printed.empty()) {
    if (printed.size() > 1) {
      std::fprintf(stderr,
                   "netpoll replay: %s holds %zu replay strings: this is the "
                   "first\n",
                   name.c_str(), printed.size());
    }
    return ReadPrinted(flags, printed[0], source);
  }
  text = Trimmed(text);
  if (HandWritten::Looks(text)) {
    source->written = HandWritten::Parse(text);
    return kExitOk;
  }
  if (text.empty()) return flags.Fail(absl::StrCat(name, " is empty"));
  return flags.Fail(absl::StrCat(
      name, " holds no replay string: one begins with np1: or ng1:"));
}

}  // namespace

int ReadReplaySource(const Flags& flags, const std::string& what,
                     ReplaySource* source) {
  const std::string_view word = Trimmed(what);
  if (LooksPrinted(word)) return ReadPrinted(flags, word, source);
  const std::vector<std::string_view> printed = PrintedIn(word);
  if (!printed.empty()) return ReadPrinted(flags, printed[0], source);
  int status = kExitOk;
  if (const auto text = ReadFile(flags, what, &status)) {
    if (status != kExitOk) return status;
    const std::string name = what == "-" ? "standard input" : Quoted(what);
    return ReadText(flags, name, *text, source);
  }
  if (HandWritten::Looks(word)) {
    source->written = HandWritten::Parse(word);
    return kExitOk;
  }
  return flags.Fail(absl::StrCat("there is no file ", Quoted(what),
                                 ", and this is not a replay string: one "
                                 "begins with np1: or ng1:"));
}

int ReadSource(const Flags& flags, const ReplaySource& source,
               const model::Scenario& scenario, ReplayString* replay) {
  if (!source.written.has_value()) {
    *replay = source.trace.has_value() ? source.trace->replay : *source.replay;
    return kExitOk;
  }
  replay->variant = source.written->variant;
  replay->scenario = source.written->scenario;
  replay->digest = std::string(model::SourceDigest());
  std::vector<std::string> names;
  const auto world = scenario.make();
  for (const auto& thread : world->threads()) {
    names.push_back(thread.name);
  }
  const std::string wrong = model::ReadSchedule(
      source.written->schedule, names, &replay->schedule, &replay->cycle);
  return wrong.empty() ? kExitOk : flags.Fail(wrong);
}

}  // namespace netpoll::tools
