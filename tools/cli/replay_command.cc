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
#include "netpoll/model/report/step_through.h"
#include "netpoll/model/report/trace_file.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/cli/replay_source.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::ReplayString;
using model::Story;

struct ReplayFlags {
  std::string what;
  bool step = false;
  std::string html;
  std::string mermaid;
  std::string trace;
};

// False: there are no more.
bool ReadLine(std::string* line) {
  constexpr std::size_t kLongest = 4096;
  line->clear();
  int c = std::fgetc(stdin);
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = std::fgetc(stdin)) {
    if (line->size() < kLongest) line->push_back(static_cast<char>(c));
  }
  return true;
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
  write(given.trace, model::TraceText(given.trace, story));
  return status;
}

// Of other source it is run all the same: that is how a repair is tried.
void WarnOfOtherSource(const std::string& digest, const char* what) {
  if (digest == model::SourceDigest()) return;
  std::fprintf(
      stderr,
      "netpoll replay: recorded with source %s, this is %s: the %s may "
      "differ\n",
      Quoted(digest).c_str(), std::string(model::SourceDigest()).c_str(), what);
}

int Show(const Flags& flags, const ReplayFlags& given,
         const ReplaySource& source, const Story& story) {
  const std::string stale =
      source.trace.has_value() ? source.trace->Compare(story) : "";
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

// Commands are read line by line, from a person or a pipe.
int WalkThrough(const Flags& flags, const ReplayFlags& given,
                const model::Variant& variant, const model::Scenario& scenario,
                const ReplayString& replay) {
  const bool asks = ::isatty(STDIN_FILENO) != 0;
  model::StepThrough walk(variant.name, scenario, replay.schedule,
                          replay.cycle);
  std::printf("%s: %s\n%s", scenario.name.c_str(), scenario.about.c_str(),
              walk.Where().c_str());
  if (asks) std::fputs("h lists the commands\n", stdout);
  std::string line;
  while (!walk.done()) {
    if (asks) std::printf("%d> ", walk.at());
    std::fflush(stdout);
    if (!ReadLine(&line)) break;
    std::fputs(walk.Do(line).c_str(), stdout);
  }
  if (asks && !walk.done()) std::fputs("\n", stdout);
  std::printf("walked: %s\n", walk.Replay().c_str());
  if (const int status = WritePictures(flags, given, walk.walked())) {
    return status;
  }
  return walk.walked().broken() ? kExitFinding : kExitOk;
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
  WarnOfOtherSource(string.digest, "execution");
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
             "what check or orders printed (np1:..., ng1:...), a schedule of "
             "your own ('read-close: 4 reader, 8 closer'), a file with one of "
             "them or with a trace, or - for standard input");
  flags.Switch("step", &given.step,
               "walk through it, forwards and backwards, by commands from "
               "standard input; h lists them");
  flags.Text("html", "FILE", &given.html, "write a page for a browser");
  flags.Text("mermaid", "FILE", &given.mermaid, "write a Mermaid diagram");
  flags.Text(
      "trace", "FILE", &given.trace,
      "write a trace: FILE.json for Perfetto's UI, else text that replay "
      "compares");
  flags.Finding("the schedule breaks a property");
  flags.Example("netpoll replay np1:read-edge:... --html run.html");
  flags.Example("netpoll replay 'read-close: 4 reader, 8 closer' --step");
  flags.Example("netpoll replay run.trace");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (given.step && given.what == "-") {
    return flags.Fail(
        "--step reads its commands from standard input: give the schedule as a "
        "word or in a file");
  }
  ReplaySource source;
  if (const int status = ReadReplaySource(flags, given.what, &source)) {
    return status;
  }
  if (!source.graph.empty()) {
    if (given.step) {
      return flags.Fail(
          "an execution graph has no order to step through: --step is for "
          "np1:...");
    }
    return ReplayGraph(flags, given, source.graph);
  }
  const bool written = source.written.has_value();
  const std::string& name = written ? source.written->variant
                            : source.trace.has_value()
                                ? source.trace->replay.variant
                                : source.replay->variant;
  const std::string& configuration = written ? source.written->scenario
                                     : source.trace.has_value()
                                         ? source.trace->replay.scenario
                                         : source.replay->scenario;
  const auto* const variant = FindVariantOrExplain(flags, name);
  if (variant == nullptr) return kExitBadUse;
  const auto* const scenario =
      FindScenarioOrExplain(flags, *variant, configuration);
  if (scenario == nullptr) return kExitBadUse;
  ReplayString replay;
  if (const int status = ReadSource(flags, source, *scenario, &replay)) {
    return status;
  }
  WarnOfOtherSource(replay.digest, "run");
  if (given.step) return WalkThrough(flags, given, *variant, *scenario, replay);
  const Story story =
      model::TellTwice(variant->name, *scenario, replay.schedule, replay.cycle);
  return Show(flags, given, source, story);
}

}  // namespace netpoll::tools
