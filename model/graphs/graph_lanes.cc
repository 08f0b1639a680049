// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

constexpr int kNumber = 5;
constexpr int kLane = 6;  // The least.
constexpr int kText = 56;

std::string Source(int number) {
  return number == 0 ? "start" : std::to_string(number);
}

std::string Deed(const GraphMoment& moment) {
  std::string text = moment.site + " " + moment.operation;
  if (moment.failed) text += " failed";
  if (!moment.order.empty() && moment.order != "plain") {
    text += " " + moment.order;
  }
  if (moment.object.empty()) return text;
  text += " " + moment.object;
  if (moment.writes) {
    text += ": " + (moment.reads ? moment.read + " -> " : std::string("= ")) +
            moment.written;
  } else if (moment.reads) {
    text += " is " + moment.read;
  }
  if (moment.reads) text += "  <- " + Source(moment.reads_from);
  if (moment.overlooks > 0) {
    text += ", not " + std::to_string(moment.overlooks);
  }
  return text;
}

void PutAt(std::string& line, std::size_t column, const std::string& text) {
  if (line.size() < column) line.resize(column, ' ');
  line.replace(column, text.size(), text);
}

}  // namespace

std::string GraphLanes(const GraphStory& story, int width) {
  const int threads = static_cast<int>(story.threads.size());
  int lane = kLane;
  for (const std::string& name : story.threads) {
    lane = std::max(lane, static_cast<int>(name.size()) + 2);
  }
  const int room = (width - kNumber - kText) / std::max(threads - 1, 1);
  lane = std::clamp(room, kLane, lane);
  std::string head;
  std::string text;
  for (int thread = 0; thread < threads; ++thread) {
    const auto at = static_cast<std::size_t>(kNumber + thread * lane);
    if (head.size() > at) {
      text += head + "\n";
      head.clear();
    }
    PutAt(head, at, story.threads[thread]);
  }
  text += head + "\n";
  for (std::size_t i = 0; i < story.moments.size(); ++i) {
    const GraphMoment& moment = story.moments[i];
    std::string line = std::to_string(i + 1);
    line.insert(0, line.size() < 3 ? 3 - line.size() : 0, ' ');
    if (moment.matters) line += "*";
    for (int thread = 0; thread < moment.thread; ++thread) {
      PutAt(line, static_cast<std::size_t>(kNumber + thread * lane), "|");
    }
    PutAt(line, static_cast<std::size_t>(kNumber + moment.thread * lane),
          Deed(moment));
    const std::string place = moment.place.empty() ? "" : "  " + moment.place;
    if (static_cast<int>(line.size() + place.size()) <= width) line += place;
    if (static_cast<int>(line.size()) > width) {
      line = line.substr(0, static_cast<std::size_t>(width - 1)) + "~";
    }
    text += line + "\n";
  }
  for (int thread = 0; thread < threads; ++thread) {
    text += (thread == 0 ? "in the end: " : ", ") + story.threads[thread] +
            " " + story.ends[thread];
  }
  return text + "\n";
}

std::string GraphCounterexample(const GraphStory& story, int width) {
  std::string text = story.sentence + "\n\n";
  if (!story.why_not.empty()) return text;
  text += GraphLanes(story, std::max(width, 60));
  text +=
      "\nThe order of lines is one in which nobody reads what is not yet "
      "there; only what\nis read from whom counts. \"<- 3, not 7\": it took "
      "what 3 wrote, and 7's write comes next.\n";
  return text + "\n" + ReplayCommand(story.ReplayText()) + "\n";
}

}  // namespace netpoll::model
