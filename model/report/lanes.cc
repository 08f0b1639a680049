// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "netpoll/model/report/pictures.h"

namespace netpoll::model {
namespace {

constexpr int kNumber = 5;      // Columns for the step's number.
constexpr int kLeastLane = 3;   // Columns between two lanes, at least.
constexpr int kLeastText = 44;  // Columns that the last lane needs.
constexpr int kPlaces = 90;     // From this width on lines end with places.

// Of a run without end.
constexpr char kAround[] = "  .--- from here round and round\n";
constexpr char kAgain[] = "  '--- and again\n";

// "poll_desc.h:171", without its folders.
std::string ShortPlace(const Moment& moment) {
  const std::string place = PlaceOfMoment(moment);
  return place.substr(place.rfind('/') + 1);
}

// What a thread did, without its name.
std::string Deed(const Moment& moment) {
  std::string text = moment.site + " " + moment.operation;
  if (moment.failed) text += " failed";
  if (moment.object.empty()) return text;
  text += " " + moment.object;
  if (moment.changed)
    return text + ": " + moment.before + " -> " + moment.after;
  return moment.before.empty() ? text : text + " = " + moment.before;
}

void PutAt(std::string& line, std::size_t column, const std::string& text) {
  if (line.size() < column) line.resize(column, ' ');
  line.replace(column, text.size(), text);
}

// A lane begins where its thread's name stands; a deed runs to the right of its
// lane, over the empty lanes there.
class Drawing {
 public:
  Drawing(const Story& story, int width) : story_(story), width_(width) {
    const int lanes = static_cast<int>(story.threads.size());
    const int room = (width - kNumber - kLeastText) / std::max(lanes - 1, 1);
    int longest = 0;
    for (const std::string& name : story.threads) {
      longest = std::max(longest, static_cast<int>(name.size()));
    }
    lane_ = std::clamp(room, kLeastLane, std::max(longest + 2, 8));
  }

  std::string Text() const {
    std::string text = Header();
    int last = 0;
    for (const Moment& moment : story_.moments) {
      if (last == story_.cycle && moment.step > last) text += kAround;
      last = moment.step;
      if (!moment.plain) text += Row(moment);
    }
    return story_.cycle < 0 ? text : text + kAgain;
  }

 private:
  std::size_t At(int thread) const {
    return static_cast<std::size_t>(kNumber + thread * lane_);
  }

  // Names that are longer than a lane take lines of their own. One that would
  // cover the lane of a named neighbour waits, unless nothing else is left.
  std::string Header() const {
    std::string text;
    std::string line;
    const int threads = static_cast<int>(story_.threads.size());
    std::vector<bool> named(threads, false);
    bool cover = false;
    for (int left = threads; left > 0;) {
      const int before = left;
      line.clear();
      for (int thread = 0; thread < threads; ++thread) {
        if (named[thread]) {
          if (line.size() <= At(thread)) PutAt(line, At(thread), "|");
          continue;
        }
        const bool room = line.empty() || line.size() < At(thread);
        const bool fits =
            cover || thread + 1 == threads ||
            static_cast<int>(story_.threads[thread].size()) < lane_ ||
            !named[thread + 1];
        if (!room || !fits) continue;
        PutAt(line, At(thread), story_.threads[thread]);
        named[thread] = true;
        --left;
      }
      cover = left == before;
      if (!cover) text += Cut(line) + "\n";
    }
    return text;
  }

  std::string Row(const Moment& moment) const {
    std::string line = std::to_string(moment.step);
    line.insert(0, line.size() < 3 ? 3 - line.size() : 0, ' ');
    for (std::size_t i = 0; i < story_.threads.size(); ++i) {
      const Stand stand = moment.stands[i];
      const int thread = static_cast<int>(i);
      if (thread == moment.thread) continue;
      if (thread > moment.thread) break;
      PutAt(line, At(thread),
            stand == Stand::kEnded    ? " "
            : stand == Stand::kParked ? ":"
                                      : "|");
    }
    PutAt(line, At(moment.thread), Deed(moment));
    const std::string place = ShortPlace(moment);
    if (width_ < kPlaces || place.empty()) return Cut(line) + "\n";
    const int room = width_ - static_cast<int>(place.size()) - 2;
    line = Cut(line, room);
    PutAt(line, static_cast<std::size_t>(room + 2), place);
    return line + "\n";
  }

  std::string Cut(std::string line) const { return Cut(line, width_); }
  static std::string Cut(std::string line, int width) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (static_cast<int>(line.size()) <= width) return line;
    return line.substr(0, static_cast<std::size_t>(width - 1)) + "~";
  }

  const Story& story_;
  const int width_;
  int lane_ = kLeastLane;
};

}  // namespace

std::string Lanes(const Story& story, int width) {
  return Drawing(story, std::max(width, 40)).Text();
}

int TerminalWidth(int fd) {
  winsize size{};
  if (::isatty(fd) == 0 || ::ioctl(fd, TIOCGWINSZ, &size) != 0 ||
      size.ws_col == 0) {
    return kWidthOfFiles;
  }
  return size.ws_col;
}

}  // namespace netpoll::model
