// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/report/markup.h"

namespace netpoll::model {
namespace {

std::string Event(int number) { return "e" + std::to_string(number); }

std::string Label(const GraphMoment& moment, int number) {
  std::string text = std::to_string(number) + " " + moment.site + " " +
                     moment.operation + (moment.failed ? " failed" : "") + " " +
                     moment.order;
  if (!moment.object.empty()) {
    text += ": " + moment.object + " " + moment.read +
            (moment.reads && moment.writes ? " to " : "") + moment.written;
  }
  return MermaidText(text);
}

}  // namespace

std::string GraphMermaid(const GraphStory& story) {
  std::string text = "flowchart TB\n";
  const int count = static_cast<int>(story.moments.size());
  for (std::size_t thread = 0; thread < story.threads.size(); ++thread) {
    text += "  subgraph t" + std::to_string(thread) + "[\"" +
            MermaidText(story.threads[thread]) + "\"]\n";
    int before = 0;
    for (int number = 1; number <= count; ++number) {
      const GraphMoment& moment = story.moments[number - 1];
      if (moment.thread != static_cast<int>(thread)) continue;
      text += "    " + Event(number) + "[\"" + Label(moment, number) + "\"]\n";
      if (before != 0)
        text += "    " + Event(before) + " --> " + Event(number) + "\n";
      before = number;
    }
    text += "  end\n";
  }
  for (int number = 1; number <= count; ++number) {
    const GraphMoment& moment = story.moments[number - 1];
    const auto other = [&](int from) {
      return from > 0 && story.moments[from - 1].thread != moment.thread;
    };
    if (other(moment.reads_from)) {
      text += "  " + Event(moment.reads_from) + " -. reads from .-> " +
              Event(number) + "\n";
    }
    if (other(moment.replaces) && moment.replaces != moment.reads_from) {
      text += "  " + Event(moment.replaces) + " == then ==> " + Event(number) +
              "\n";
    }
    if (moment.overlooks > 0) {
      text += "  " + Event(number) + " -. overlooks .-x " +
              Event(moment.overlooks) + "\n";
    }
  }
  text += "  classDef matters stroke:#c33,stroke-width:3px\n";
  for (int number = 1; number <= count; ++number) {
    if (story.moments[number - 1].matters) {
      text += "  class " + Event(number) + " matters\n";
    }
  }
  return text + "  %% " + story.sentence + "\n";
}

}  // namespace netpoll::model
