// SPDX-License-Identifier: Apache-2.0
//
// netpoll replay: runs one schedule again, and shows it.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/graphs/graph_schedule.h"
#include "netpoll/model/graphs/tell_graph.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/trace_file.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::ReplayString;
using model::Story;
using model::TraceFile;

struct ReplayFlags {
  std::string what;
  std::string html;
  std::string mermaid;
  std::string trace;
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() &&
         (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

// What the user named: a string, a file that holds one, or a trace file.
struct Wanted {
  ReplayString replay;
  TraceFile trace;
  bool has_trace = false;
};

int Understand(const Flags& flags, const std::string& what, Wanted* wanted) {
  std::string text = what;
  int status = kExitOk;
  if (const auto read = ReadFile(flags, what, &status)) {
    if (status != kExitOk) return status;
    text = *read;
  } else if (what.find('/') != std::string::npos &&
             what.find(':') == std::string::npos) {
    return flags.Fail(absl::StrCat("there is no file ", Quoted(what)));
  }
  std::string wrong;
  if (TraceFile::Looks(text)) {
    wrong = TraceFile::Parse(text, &wanted->trace);
    wanted->replay = wanted->trace.replay;
    wanted->has_trace = true;
  } else {
    wrong = ReplayString::Parse(Trimmed(text), &wanted->replay);
  }
  return wrong.empty() ? kExitOk : flags.Fail(wrong);
}

int WritePictures(const Flags& flags, const ReplayFlags& given,
                  const Story& story) {
  int status = kExitOk;
  const auto write = [&](const std::string& file, const std::string& text) {
    if (!file.empty() && status == kExitOk) {
      status = WriteFile(flags, file, text);
    }
  };
  write(given.html, HtmlPage(story));
  write(given.mermaid, Mermaid(story));
  write(given.trace, TraceFileText(story));
  return status;
}

int Show(const Flags& flags, const ReplayFlags& given, const Wanted& wanted,
         const Story& story) {
  const std::string stale = wanted.has_trace ? wanted.trace.Compare(story) : "";
  if (wanted.replay.digest != model::SourceDigest()) {
    std::fprintf(stderr,
                 "netpoll replay: recorded with source %s, this is %s: the "
                 "run may differ\n",
                 Quoted(wanted.replay.digest).c_str(),
                 std::string(model::SourceDigest()).c_str());
  }
  std::printf("%s: %s\n\n%s\n", story.scenario.c_str(), story.about.c_str(),
              model::Lanes(story, model::TerminalWidth(STDOUT_FILENO)).c_str());
  std::printf("%s\n", Diagnose(story).sentence.c_str());
  if (const int status = WritePictures(flags, given, story)) return status;
  std::fflush(stdout);
  if (!stale.empty()) return flags.Fail(stale);
  if (story.stuck_at != 0) {
    return flags.Fail(absl::StrCat("the schedule does not fit this source: ",
                                   Diagnose(story).sentence));
  }
  return story.broken() ? kExitFinding : kExitOk;
}

// An execution graph: np1's other kind. A weaker order of the table is named as
// a variant: ~SITE~OPERATION~ORDER.
int ReplayGraph(const Flags& flags, const ReplayFlags& given,
                std::string_view text) {
  model::GraphString string;
  const std::string wrong = model::GraphString::Parse(text, &string);
  if (!wrong.empty()) return flags.Fail(wrong);
  model::Weakened weakened;
  const bool weaker = model::WeakerVariant(string.variant, &weakened);
  const auto* const variant =
      FindVariantOrExplain(flags, weaker ? "shipped" : string.variant);
  if (variant == nullptr) return kExitBadUse;
  const auto* const found =
      FindScenarioOrExplain(flags, *variant, string.scenario);
  if (found == nullptr) return kExitBadUse;
  const model::Scenario scenario =
      weaker ? model::Weaker(*found, weakened) : *found;
  if (string.digest != model::SourceDigest()) {
    std::fprintf(stderr,
                 "netpoll replay: recorded with source %s, this is %s: the "
                 "execution may differ\n",
                 Quoted(string.digest).c_str(),
                 std::string(model::SourceDigest()).c_str());
  }
  const model::GraphStory story =
      model::TellGraphAgain(string.variant, scenario, string);
  if (!story.why_not.empty()) {
    return flags.Fail(
        absl::StrCat("the graph does not fit this source: ", story.why_not));
  }
  std::printf(
      "%s: %s\n\n%s", story.scenario.c_str(), story.about.c_str(),
      GraphCounterexample(story, model::TerminalWidth(STDOUT_FILENO)).c_str());
  if (!given.html.empty()) {
    const int status = WriteFile(flags, given.html, GraphHtmlPage(story));
    if (status != kExitOk) return status;
  }
  if (!given.mermaid.empty()) {
    const int status = WriteFile(flags, given.mermaid, GraphMermaid(story));
    if (status != kExitOk) return status;
  }
  return story.broken() ? kExitFinding : kExitOk;
}

}  // namespace

int RunReplay(Arguments arguments) {
  ReplayFlags given;
  Flags flags("netpoll replay",
              "Runs one schedule again, twice, and shows it. A trace file is "
              "compared line by line.");
  flags.Word("STRING|FILE", &given.what,
             "what check or orders printed (np1:..., ng1:...), or a file with "
             "np1:..., or a trace");
  flags.Text("html", "FILE", &given.html, "write a page for a browser");
  flags.Text("mermaid", "FILE", &given.mermaid, "write a Mermaid diagram");
  flags.Text("trace", "FILE", &given.trace, "write a trace file");
  flags.Finding("the schedule breaks a property");
  flags.Example("netpoll replay np1:read-edge:... --html run.html");
  flags.Example("netpoll replay run.trace");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (model::IsGraphString(Trimmed(given.what))) {
    return ReplayGraph(flags, given, Trimmed(given.what));
  }
  Wanted wanted;
  if (const int status = Understand(flags, given.what, &wanted)) return status;
  const auto* const variant =
      FindVariantOrExplain(flags, wanted.replay.variant);
  if (variant == nullptr) return kExitBadUse;
  const auto* const scenario =
      FindScenarioOrExplain(flags, *variant, wanted.replay.scenario);
  if (scenario == nullptr) return kExitBadUse;
  const Story story = model::TellTwice(
      variant->name, *scenario, wanted.replay.schedule, wanted.replay.cycle);
  return Show(flags, given, wanted, story);
}

}  // namespace netpoll::tools
