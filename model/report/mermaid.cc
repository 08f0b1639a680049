// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/pictures.h"

namespace netpoll::model {
namespace {

std::string Lane(int thread) { return "t" + std::to_string(thread); }
std::string Word(int column) { return "w" + std::to_string(column); }

int ColumnOf(const Story& story, const Moment& moment) {
  for (std::size_t i = 0; i < story.columns.size(); ++i) {
    if (story.columns[i].object_index == moment.object_index) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

std::string Message(const Story& story, const Moment& moment) {
  const std::string said =
      MermaidText(std::to_string(moment.step) + " " + moment.site + " " +
                  moment.operation + (moment.failed ? " failed" : ""));
  const int column = ColumnOf(story, moment);
  const std::string thread = Lane(moment.thread);
  if (column < 0 || moment.object.empty()) {
    return "  note over " + thread + ": " + said + "\n";
  }
  const std::string word = Word(column);
  if (moment.changed) {
    return "  " + thread + "->>" + word + ": " + said + ": " +
           MermaidText(moment.before + " to " + moment.after) + "\n";
  }
  return "  " + word + "-->>" + thread + ": " + said + ": " +
         MermaidText(moment.after) + "\n";
}

}  // namespace

std::string Mermaid(const Story& story) {
  std::string text = "sequenceDiagram\n";
  for (std::size_t i = 0; i < story.threads.size(); ++i) {
    text += "  actor " + Lane(static_cast<int>(i)) + " as " +
            MermaidText(story.threads[i]) + "\n";
  }
  for (std::size_t i = 0; i < story.columns.size(); ++i) {
    text += "  participant " + Word(static_cast<int>(i)) + " as " +
            MermaidText(story.columns[i].name) + "\n";
  }
  int step = 0;
  for (const Moment& moment : story.moments) {
    if (step == story.cycle && moment.step > step) text += "  loop for ever\n";
    step = moment.step;
    if (!moment.plain) text += Message(story, moment);
  }
  if (story.cycle >= 0) text += "  end\n";
  if (!story.threads.empty()) {
    const int last = static_cast<int>(story.threads.size()) - 1;
    text += "  note over " + Lane(0) +
            (last > 0 ? "," + Lane(last) : std::string()) + ": " +
            MermaidText(story.broken() ? story.violation
                                       : Diagnose(story).sentence) +
            "\n";
  }
  return text;
}

}  // namespace netpoll::model
