// SPDX-License-Identifier: Apache-2.0
//
// The page: a row for each access, a lane for each thread, and what the shared
// words hold afterwards. Everything that it needs is in it.

#include <cstddef>
#include <string>
#include <string_view>

#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

constexpr char kStyle[] =
#include "netpoll/model/report/html_style.inc"
    ;
constexpr char kScript[] =
#include "netpoll/model/report/html_script.inc"
    ;

// A value that may take two lines.
constexpr std::size_t kLongWord = 20;

std::string Element(const std::string& tag, const std::string& classes,
                    const std::string& inside) {
  return "<" + tag + (classes.empty() ? "" : " class=\"" + classes + "\"") +
         ">" + inside + "</" + tag + ">";
}

class Page {
 public:
  explicit Page(const Story& story)
      : story_(story), diagnosis_(Diagnose(story)) {}

  std::string Text() const {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width\">\n"
           "<title>" +
           HtmlText(Title()) + "</title>\n<style>" + kStyle +
           "</style></head><body>\n" + Header() + "<main><table>\n<thead><tr>" +
           Heads() + "</tr></thead>\n<tbody>\n" + Rows() +
           "</tbody></table></main>\n<div id=\"detail\"></div>\n<script>" +
           kScript + "</script></body></html>\n";
  }

 private:
  std::string Title() const {
    const bool shipped = story_.variant == "shipped";
    return shipped ? story_.scenario : story_.variant + "/" + story_.scenario;
  }

  // The property, emphasised, and the rest of the sentence.
  std::string Verdict() const {
    const std::string& sentence = diagnosis_.sentence;
    if (!story_.broken() || !sentence.starts_with(story_.violation)) {
      return HtmlText(sentence) + ".";
    }
    return Element("b", "", HtmlText(story_.violation)) +
           HtmlText(sentence.substr(story_.violation.size())) + ".";
  }

  std::string Header() const {
    return "<header><h1>" + HtmlText(Title()) + " <small>" +
           HtmlText(story_.about) + "</small></h1>\n<p class=\"verdict" +
           (story_.broken() ? " bad" : "") + "\">" + Verdict() +
           "</p>\n<div class=\"replay\"><span>netpoll replay</span><code>" +
           HtmlText(ReplayStringOf(story_)) +
           "</code></div>\n<p class=\"hint\">" +
           std::to_string(story_.schedule.size()) + " steps, " +
           std::to_string(story_.switches) +
           " switches between threads. A lane is dotted while its task is "
           "parked, dashed while its thread cannot or need not go on. Keys: j "
           "and k or the arrows move, n goes to the steps that matter.</p>"
           "</header>\n";
  }

  std::string Heads() const {
    std::string heads = Element("th", "", "step");
    for (std::size_t i = 0; i < story_.threads.size(); ++i) {
      const bool lost = static_cast<int>(i) == diagnosis_.lost;
      heads += Element("th", lost ? "lane lost" : "lane",
                       HtmlText(story_.threads[i]));
    }
    bool first = true;
    for (const Column& column : story_.columns) {
      if (column.task >= 0) continue;
      heads +=
          Element("th", first ? "word first" : "word", HtmlText(column.name));
      first = false;
    }
    return heads;
  }

  std::string Rows() const {
    std::string rows = "<tr class=\"end\">" + Element("td", "n", "");
    for (std::size_t i = 0; i < story_.threads.size(); ++i) {
      rows += Element("td", LaneClass(story_.stands[i]),
                      Element("span", "deed", "begins"));
    }
    rows += InitialWords() + "</tr>\n";
    int last = 0;
    for (const Moment& moment : story_.moments) {
      if (last == story_.cycle && moment.step > last) {
        rows += Bend("from here round and round");
      }
      last = moment.step;
      if (!moment.plain) rows += Row(moment);
    }
    if (story_.cycle >= 0) {
      rows += Bend("and again from step " + std::to_string(story_.cycle + 1));
    }
    return rows + LastRow();
  }

  // Where the cycle of a run without end begins, and where it is closed.
  std::string Bend(const std::string& text) const {
    return "<tr class=\"bend\"><td class=\"n\">&#8635;</td><td colspan=\"" +
           std::to_string(story_.threads.size() + story_.columns.size()) +
           "\">" + text + "</td></tr>\n";
  }

  std::string InitialWords() const {
    std::string cells;
    bool first = true;
    for (const Column& column : story_.columns) {
      if (column.task >= 0) continue;
      const bool wide = column.initial.size() > kLongWord;
      cells += Element(
          "td",
          std::string(first ? "word first" : "word") + (wide ? " long" : ""),
          HtmlText(column.initial));
      first = false;
    }
    return cells;
  }

  static std::string LaneClass(Stand stand) {
    return stand == Stand::kRuns
               ? "lane"
               : std::string("lane ") + static_cast<char>(stand);
  }

  bool IsKey(const Moment& moment) const {
    return moment.step == diagnosis_.from || moment.step == diagnosis_.to;
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

  std::string Row(const Moment& moment) const {
    std::string classes = IsKey(moment) ? "key" : "";
    if (!moment.changed) classes += classes.empty() ? "reads" : " reads";
    std::string row = "<tr class=\"" + classes + "\" data-say=\"" +
                      HtmlText(Say(moment)) + "\">" +
                      Element("td", "n", std::to_string(moment.step));
    const int threads = static_cast<int>(story_.threads.size());
    const int woken = Wakes(moment);
    // The wire runs to the woken lane, or to the words on the right.
    const int target = moment.object.empty() ? moment.thread
                       : woken >= 0          ? woken
                                             : threads;
    for (int lane = 0; lane < threads; ++lane) {
      row += Lane(moment, lane, target);
    }
    return row + Words(moment) + "</tr>\n";
  }

  std::string Lane(const Moment& moment, int lane, int target) const {
    std::string classes = LaneClass(moment.stands[lane]);
    std::string inside;
    if (lane == moment.thread) {
      if (classes == "lane e") classes = "lane";
      classes += target > lane   ? " act right"
                 : target < lane ? " act left"
                                 : "";
      inside = Element(
          "span", IsKey(moment) ? "deed key" : "deed",
          HtmlText(moment.site) + "<small>" +
              HtmlText(moment.operation + (moment.failed ? " failed" : "")) +
              "</small>");
    } else if (lane == target) {
      classes +=
          moment.thread < lane ? " target fromleft" : " target fromright";
      inside = Element("span", "dot", "");
    } else if ((lane > moment.thread) != (lane > target)) {
      classes += " wire";
    }
    return Element("td", classes, inside);
  }

  std::string Words(const Moment& moment) const {
    std::string cells;
    bool first = true;
    for (std::size_t i = 0; i < story_.columns.size(); ++i) {
      const Column& column = story_.columns[i];
      if (column.task >= 0) continue;
      std::string classes = first ? "word first" : "word";
      if (column.initial.size() > kLongWord) classes += " long";
      first = false;
      std::string inside = HtmlText(moment.values[i]);
      if (column.object_index == moment.object_index) {
        classes += moment.changed ? " changed" : " looked";
        if (moment.changed) {
          inside = "<i>" + HtmlText(moment.before) + " &rarr;</i> " + inside;
        } else {
          inside = "&#8226; " + inside;
        }
      }
      cells += Element("td", classes, inside);
    }
    return cells;
  }

  std::string Say(const Moment& moment) const {
    std::string text = "step " + std::to_string(moment.step) + ": " +
                       story_.threads[moment.thread] + ", " + moment.site;
    const std::string_view place = PlaceOf(moment.site);
    if (!place.empty()) text += " in " + std::string(place);
    text += ", " + moment.operation + (moment.failed ? " failed" : "");
    if (moment.object.empty()) return text;
    text += " " + moment.object + ": " + moment.before;
    return moment.changed ? text + " -> " + moment.after : text;
  }

  // How everybody stands in the end.
  std::string LastRow() const {
    std::string row = "<tr class=\"end\">" + Element("td", "n", "");
    const auto& stands =
        story_.moments.empty() ? story_.stands : story_.moments.back().stands;
    for (std::size_t i = 0; i < story_.threads.size(); ++i) {
      const char* text = "could go on";
      switch (stands[i]) {
        case Stand::kParked:
          text = static_cast<int>(i) == diagnosis_.lost ? "parked for ever"
                                                        : "parked";
          break;
        case Stand::kBlocked:
          text = "waits";
          break;
        case Stand::kEnded:
          text = "ended";
          break;
        case Stand::kMay:
          text = "need not go on";
          break;
        case Stand::kRuns:
          break;
      }
      const bool lost = static_cast<int>(i) == diagnosis_.lost;
      row += Element("td", "lane e",
                     Element("span", lost ? "deed key" : "deed", text));
    }
    return row + "</tr>\n";
  }

  const Story& story_;
  const Diagnosis diagnosis_;
};

}  // namespace

std::string HtmlPage(const Story& story) { return Page(story).Text(); }

}  // namespace netpoll::model
