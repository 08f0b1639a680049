// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/html_table.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

// A value, or two with an arrow between, that may take two lines.
constexpr std::size_t kLongWord = 20;
// Fewer steps of one thread are not worth folding.
constexpr std::size_t kLeastRun = 3;
constexpr char kArrow[] = " &rarr; ";

std::string LaneClass(Stand stand) {
  return stand == Stand::kRuns
             ? "lane"
             : std::string("lane ") + static_cast<char>(stand);
}

// "poll_desc.h:171"
std::string ShortPlace(const Moment& moment) {
  const std::string place = PlaceOfMoment(moment);
  return place.substr(place.rfind('/') + 1);
}

// Of what ships; where a stimulus is written is said elsewhere.
bool Ships(const Moment& moment) {
  return !PlaceOfMoment(moment).starts_with("model/");
}

std::string Operation(const Moment& moment) {
  return moment.operation + (moment.failed ? " failed" : "");
}

class Table {
 public:
  Table(const Story& story, const Diagnosis& diagnosis)
      : story_(story),
        diagnosis_(diagnosis),
        threads_(static_cast<int>(story.threads.size())) {
    for (const Moment& moment : story.moments) {
      if (!moment.plain) moments_.push_back(&moment);
    }
    for (std::size_t i = 0; i < story.columns.size(); ++i) {
      if (story.columns[i].task < 0) words_.push_back(i);
    }
    // What the decisive steps touch comes first, what never changes last.
    const auto any = [this](std::size_t word, auto is) {
      return std::any_of(
          moments_.begin(), moments_.end(), [&](const Moment* moment) {
            return is(*moment) &&
                   moment->object_index == story_.columns[word].object_index;
          });
    };
    const auto decisive = [&](std::size_t word) {
      return any(word, [this](const Moment& moment) { return IsKey(moment); });
    };
    const auto changes = [&](std::size_t word) {
      return any(word, [](const Moment& moment) { return moment.changed; });
    };
    const auto idle = std::stable_partition(
        words_.begin(), words_.end(),
        [&](std::size_t word) { return decisive(word) || changes(word); });
    std::stable_partition(words_.begin(), idle, decisive);
    busy_ = static_cast<std::size_t>(idle - words_.begin());
    const auto wide = [](const Moment& at) {
      return at.changed && at.before.size() + at.after.size() > kLongWord;
    };
    for (std::size_t word = 0; word < story.columns.size(); ++word) {
      long_.push_back(story.columns[word].initial.size() > kLongWord ||
                      any(word, wide));
    }
  }

  std::string Text() const {
    return "<table id=\"steps\">\n<caption>Steps from the first to the last; "
           "who moved, and what became of the shared words</caption>\n"
           "<thead><tr>" +
           Heads() + "</tr></thead>\n" + Body("ends", Beginning()) + Steps() +
           Body("ends", End()) + "</table>\n";
  }

 private:
  // `from` and `to` bound a run of steps of one thread.
  struct Run {
    std::size_t from;
    std::size_t to;
    std::size_t size() const { return to - from; }
  };

  static std::string Body(const std::string& classes, const std::string& rows) {
    return "<tbody" + (classes.empty() ? "" : " class=\"" + classes + "\"") +
           ">\n" + rows + "</tbody>\n";
  }

  static std::string Head(const std::string& classes, const std::string& text) {
    return "<th scope=\"col\" class=\"" + classes + "\">" + HtmlText(text) +
           "</th>";
  }

  std::string Heads() const {
    std::string heads = Head("n", "step");
    for (int i = 0; i < threads_; ++i) {
      heads +=
          Head(i == diagnosis_.lost ? "lane lost" : "lane", story_.threads[i]);
    }
    heads += Head("what", "what happened");
    for (const std::size_t word : words_) {
      heads += Head(WordClass(word), story_.columns[word].name);
    }
    return heads;
  }

  // It never changes.
  bool Idle(std::size_t word) const {
    return std::find(words_.begin() + static_cast<std::ptrdiff_t>(busy_),
                     words_.end(), word) != words_.end();
  }

  std::string WordClass(std::size_t word) const {
    std::string classes = word == words_.front() ? "word first" : "word";
    if (Idle(word)) classes += " idle";
    return classes + (long_[word] ? " long" : "");
  }

  bool IsKey(const Moment& moment) const {
    return moment.step == diagnosis_.from || moment.step == diagnosis_.to;
  }

  bool BeginsCycle(std::size_t at) const {
    const int before = at == 0 ? 0 : moments_[at - 1]->step;
    return before == story_.cycle && moments_[at]->step > before;
  }

  // Decisive steps stand alone, so that nothing folds them away.
  Run RunFrom(std::size_t from) const {
    std::size_t to = from + 1;
    while (to < moments_.size() && !IsKey(*moments_[from]) &&
           moments_[to]->thread == moments_[from]->thread &&
           !IsKey(*moments_[to]) && !BeginsCycle(to)) {
      ++to;
    }
    return {from, to};
  }

  std::string Steps() const {
    std::string text;
    for (std::size_t at = 0; at < moments_.size();) {
      if (BeginsCycle(at)) text += Bend("from here round and round");
      const Run run = RunFrom(at);
      const bool folds = run.size() >= kLeastRun;
      std::string rows = folds ? Summary(run) : "";
      for (; at < run.to; ++at) rows += Row(at);
      text += Body(folds ? "run" : "", rows);
    }
    if (story_.cycle >= 0) {
      text += Bend("and again from step " + std::to_string(story_.cycle + 1));
    }
    return text;
  }

  // Where the cycle of a run without end begins, and where it is closed.
  std::string Bend(const std::string& text) const {
    return Body("",
                "<tr class=\"bend\"><td class=\"n\">&#8635;</td><td "
                "colspan=\"" +
                    std::to_string(threads_ + words_.size() + 1) + "\">" +
                    text + "</td></tr>\n");
  }

  std::string Beginning() const {
    std::string row = "<tr class=\"end\">" + Element("td", "n", "");
    for (int i = 0; i < threads_; ++i) {
      row += Element("td", LaneClass(story_.stands[i]),
                     Element("span", "deed", "begins"));
    }
    std::string all;
    std::string cells;
    for (const std::size_t word : words_) {
      const Column& column = story_.columns[word];
      if (!Idle(word)) {
        all += (all.empty() ? "" : ", ") + HtmlText(column.name) + " " +
               HtmlText(column.initial);
      }
      cells += Element("td", WordClass(word),
                       Element("span", "", HtmlText(column.initial)));
    }
    return row + Element("td", "what", "begins: " + all) + cells + "</tr>\n";
  }

  // How everybody stands in the end.
  std::string End() const {
    std::string row = "<tr class=\"end\">" + Element("td", "n", "");
    std::string all;
    const auto& stands =
        story_.moments.empty() ? story_.stands : story_.moments.back().stands;
    for (int i = 0; i < threads_; ++i) {
      const bool lost = i == diagnosis_.lost;
      const char* const text = StandText(stands[i], lost);
      row += Element("td", "lane e",
                     Element("span", lost ? "deed key" : "deed", text));
      all +=
          (all.empty() ? "" : ", ") + HtmlText(story_.threads[i]) + " " + text;
    }
    row += Element("td", "what", "in the end: " + all);
    for (const std::size_t word : words_) {
      const std::string& value = moments_.empty()
                                     ? story_.columns[word].initial
                                     : moments_.back()->values[word];
      row +=
          Element("td", WordClass(word), Element("span", "", HtmlText(value)));
    }
    return row + "</tr>\n";
  }

  // The thread that the access makes runnable, or -1.
  int Wakes(const Moment& moment) const {
    for (const Column& column : story_.columns) {
      if (column.object_index == moment.object_index &&
          column.task != moment.thread) {
        return column.task;
      }
    }
    return -1;
  }

  // "7.2" is the second access of step 7.
  std::string Number(std::size_t at) const {
    const int step = moments_[at]->step;
    int nth = 1;
    while (at > 0 && moments_[at - 1]->step == step) {
      ++nth;
      --at;
    }
    const std::string number = std::to_string(step);
    return nth == 1 ? number : number + "." + std::to_string(nth);
  }

  std::string Row(std::size_t at) const {
    const Moment& moment = *moments_[at];
    const std::string number = Number(at);
    std::string id = "step-" + number;  // An id has no point in it.
    std::replace(id.begin(), id.end(), '.', '-');
    std::string classes = IsKey(moment) ? "step key" : "step";
    if (!moment.changed) classes += " reads";
    std::string row = "<tr class=\"" + classes + "\" id=\"" + id +
                      "\" data-say=\"" + HtmlText(Say(moment)) +
                      "\" data-code=\"" + HtmlText(StatementOfMoment(moment)) +
                      "\"><th scope=\"row\" class=\"n\"><a href=\"#" + id +
                      "\">" + number + "</a></th>";
    const int woken = Wakes(moment);
    // The wire runs to the woken lane, or to the words on the right.
    const int target = moment.object.empty() ? moment.thread
                       : woken >= 0          ? woken
                                             : threads_;
    for (int lane = 0; lane < threads_; ++lane) {
      row += Lane(moment, lane, target);
    }
    return row + What(moment) + Words(moment) + "</tr>\n";
  }

  std::string Lane(const Moment& moment, int lane, int target) const {
    std::string classes = LaneClass(moment.stands[lane]);
    std::string inside;
    if (lane == moment.thread) {
      if (classes == "lane e") classes = "lane";
      classes += target > lane   ? " act right"
                 : target < lane ? " act left"
                                 : " act";
      const std::string place = Ships(moment) ? ShortPlace(moment) : "";
      inside = Element(
          "span", IsKey(moment) ? "deed key" : "deed",
          HtmlText(moment.site) + "<small>" + HtmlText(Operation(moment)) +
              (place.empty() ? "" : " &middot; " + HtmlText(place)) +
              "</small>");
    } else if (lane == target) {
      classes +=
          moment.thread < lane ? " target fromleft" : " target fromright";
      inside = Element("span", "dot", "woken");
    } else if ((lane > moment.thread) != (lane > target)) {
      classes += " wire";
    }
    return Element("td", classes, inside);
  }

  // The whole step in one cell: for a narrow window, dense rows and paper.
  std::string What(const Moment& moment) const {
    std::string text =
        Element("b", "", HtmlText(story_.threads[moment.thread])) + " " +
        HtmlText(moment.site) + " " +
        Element("small", "", HtmlText(Operation(moment)));
    if (!moment.object.empty()) {
      std::string value = HtmlText(moment.object) + ": ";
      value += moment.changed
                   ? HtmlText(moment.before) + kArrow + HtmlText(moment.after)
                   : "&#8226; " + HtmlText(moment.before);
      text += " " + Element("span", moment.changed ? "change" : "look", value);
    }
    const std::string place = ShortPlace(moment);
    if (!place.empty()) text += " " + Element("cite", "", HtmlText(place));
    return Element("td", "what", text);
  }

  std::string Words(const Moment& moment) const {
    std::string cells;
    for (const std::size_t word : words_) {
      std::string classes = WordClass(word);
      std::string inside = Element("span", "", HtmlText(moment.values[word]));
      if (story_.columns[word].object_index != moment.object_index) {
        classes += " same";
      } else if (moment.changed) {
        classes += " changed";
        inside = "<i>" + HtmlText(moment.before) + kArrow + "</i>" + inside;
      } else {
        classes += " looked";
        inside = "&#8226; " + inside;
      }
      cells += Element("td", classes, inside);
    }
    return cells;
  }

  // What a folded run of steps comes to.
  std::string Summary(const Run& run) const {
    const Moment& first = *moments_[run.from];
    const Moment& last = *moments_[run.to - 1];
    const std::string steps =
        std::to_string(first.step) + "&ndash;" + std::to_string(last.step);
    const std::string count =
        std::to_string(last.step - first.step + 1) + " steps";
    const std::string sites =
        HtmlText(first.site) + " &hellip; " + HtmlText(last.site);
    const std::string& who = story_.threads[first.thread];
    std::string row =
        "<tr class=\"sum\"><th scope=\"row\" class=\"n\"><button "
        "type=\"button\" aria-expanded=\"false\" aria-label=\"" +
        steps + ", unfold these steps of " + HtmlText(who) + "\">" + steps +
        "</button></th>";
    for (int lane = 0; lane < threads_; ++lane) {
      const bool acts = lane == first.thread;
      std::string classes = LaneClass(last.stands[lane]);
      if (acts && classes == "lane e") classes = "lane";
      row += Element("td", classes,
                     acts ? Element("span", "deed fold",
                                    count + Element("small", "", sites))
                          : "");
    }
    row +=
        Element("td", "what",
                Element("b", "", HtmlText(who)) + " " + count + ": " + sites);
    for (const std::size_t word : words_) row += Became(run, word);
    return row + "</tr>\n";
  }

  std::string Became(const Run& run, std::size_t word) const {
    const std::string& before = run.from == 0
                                    ? story_.columns[word].initial
                                    : moments_[run.from - 1]->values[word];
    const std::string& after = moments_[run.to - 1]->values[word];
    const std::string value = Element("span", "", HtmlText(after));
    if (before == after) return Element("td", WordClass(word) + " same", value);
    return Element("td", WordClass(word) + " changed",
                   "<i>" + HtmlText(before) + kArrow + "</i>" + value);
  }

  std::string Say(const Moment& moment) const {
    std::string text = "step " + std::to_string(moment.step) + ": " +
                       story_.threads[moment.thread] + ", " + moment.site;
    const std::string place = PlaceOfMoment(moment);
    if (!place.empty()) text += " in " + place;
    text += ", " + Operation(moment);
    if (moment.object.empty()) return text;
    text += " " + moment.object + ": " + moment.before;
    return moment.changed ? text + " -> " + moment.after : text;
  }

  const Story& story_;
  const Diagnosis& diagnosis_;
  const int threads_;
  std::vector<const Moment*> moments_;  // Those that are shown.
  std::vector<std::size_t> words_;      // Columns, the decisive ones first.
  std::size_t busy_ = 0;                // So many of them change.
  std::vector<bool> long_;              // Of each column.
};

}  // namespace

std::string HtmlTable(const Story& story, const Diagnosis& diagnosis) {
  return Table(story, diagnosis).Text();
}

}  // namespace netpoll::model
