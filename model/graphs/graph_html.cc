// SPDX-License-Identifier: Apache-2.0
//
// The page: a lane for each thread, a row for each access, arrows between them.
// A drawing in the page itself, and no script.

#include <cstddef>
#include <string_view>

#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/report/markup.h"

namespace netpoll::model {
namespace {

constexpr int kLaneWidth = 330;
constexpr int kRowHeight = 46;
constexpr int kBoxWidth = 270;
constexpr int kBoxHeight = 36;
constexpr int kTop = 40;

constexpr char kStyle[] =
    "body{font:15px system-ui,sans-serif;margin:24px;color:#222;"
    "background:#fff}p{max-width:60em}code{background:#eee;padding:2px 6px}"
    "svg text{font:12px ui-monospace,monospace}svg .name{font-weight:bold}"
    "rect{fill:#f6f6f6;stroke:#999}rect.matters{fill:#fff3e0;stroke:#c33;"
    "stroke-width:2}path{fill:none;stroke-width:1.6}"
    ".po{stroke:#bbb}.rf{stroke:#2a7d2a}.mo{stroke:#b8860b}"
    ".over{stroke:#c33;stroke-dasharray:5 4}b.rf{color:#2a7d2a}"
    "b.mo{color:#b8860b}b.over{color:#c33}";

std::string Number(int number) { return std::to_string(number); }

std::string SvgText(int x, int y, const std::string& classes,
                    const std::string& text) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" class=\"" +
         classes + "\">" + HtmlText(text) + "</text>\n";
}

class Page {
 public:
  explicit Page(const GraphStory& story) : story_(story) {}

  std::string Text() const {
    const std::string title = story_.variant == "shipped"
                                  ? story_.scenario
                                  : story_.variant + "/" + story_.scenario;
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<title>" +
           HtmlText(title) + "</title><style>" + kStyle +
           "</style></head><body>\n<h1>" + HtmlText(title) + " <small>" +
           HtmlText(story_.about) + "</small></h1>\n<p>" +
           HtmlText(story_.sentence) + ".</p>\n<p><code>netpoll replay " +
           HtmlText(story_.ReplayText()) + "</code></p>\n<p>Allowed by " +
           Name(story_.model) +
           ". Threads go from top to bottom. <b class=\"rf\">reads from</b>, "
           "<b class=\"mo\">is replaced by</b>, <b class=\"over\">overlooks"
           "</b>: the read took an older value than that write's. Framed: what "
           "the sentence is about.</p>\n" +
           Drawing() + "</body></html>\n";
  }

 private:
  int X(int number) const {
    return story_.moments[number - 1].thread * kLaneWidth;
  }
  static int Y(int number) { return kTop + (number - 1) * kRowHeight; }

  std::string Drawing() const {
    const int count = static_cast<int>(story_.moments.size());
    const int threads = static_cast<int>(story_.threads.size());
    std::string svg =
        "<svg width=\"" + Number(threads * kLaneWidth) + "\" height=\"" +
        Number(Y(count + 2)) +
        "\"><defs><marker id=\"m\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
        "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path "
        "d=\"M0 0L8 4L0 8z\" style=\"fill:#555\"/></marker></defs>\n";
    for (int thread = 0; thread < threads; ++thread) {
      svg +=
          SvgText(thread * kLaneWidth + 8, 20, "name", story_.threads[thread]) +
          SvgText(thread * kLaneWidth + 8, Y(count + 1) + 20, "name",
                  story_.ends[thread]);
    }
    std::string arrows;
    std::string boxes;
    for (int number = 1; number <= count; ++number) {
      boxes += Box(number);
      arrows += Arrows(number);
    }
    return svg + boxes + arrows + "</svg>\n";
  }

  std::string Box(int number) const {
    const GraphMoment& moment = story_.moments[number - 1];
    std::string second;
    if (!moment.object.empty()) {
      second =
          moment.object + " " +
          (moment.reads ? (moment.writes ? "" : "is ") + moment.read : "") +
          (moment.reads && moment.writes ? " -> " : "") +
          (moment.writes ? (moment.reads ? "" : "= ") + moment.written : "");
    }
    return "<rect x=\"" + Number(X(number)) + "\" y=\"" + Number(Y(number)) +
           "\" width=\"" + Number(kBoxWidth) + "\" height=\"" +
           Number(kBoxHeight) + "\" rx=\"4\" class=\"" +
           (moment.matters ? "matters" : "") + "\"/>\n" +
           SvgText(X(number) + 6, Y(number) + 15, "",
                   Number(number) + " " + moment.site + " " + moment.operation +
                       (moment.failed ? " failed" : "") + " " + moment.order) +
           SvgText(X(number) + 6, Y(number) + 30, "", second);
  }

  std::string Arrows(int number) const {
    const GraphMoment& moment = story_.moments[number - 1];
    std::string arrows;
    const auto other = [&](int from) {
      return from > 0 && story_.moments[from - 1].thread != moment.thread;
    };
    if (other(moment.reads_from)) {
      arrows += Arrow(moment.reads_from, number, "rf");
    }
    if (other(moment.replaces) && moment.replaces != moment.reads_from) {
      arrows += Arrow(moment.replaces, number, "mo");
    }
    if (moment.overlooks > 0) {
      arrows += Arrow(number, moment.overlooks, "over");
    }
    return arrows;
  }

  // From the side of one box to the near side of the other.
  std::string Arrow(int from, int to, const std::string& classes) const {
    const bool right = X(to) > X(from);
    const int x1 = X(from) + (right ? kBoxWidth : 0);
    const int x2 = X(to) + (right ? 0 : kBoxWidth);
    const int y1 = Y(from) + kBoxHeight / 2;
    const int y2 = Y(to) + kBoxHeight / 2;
    const int bend = right ? 30 : -30;
    return "<path class=\"" + classes + "\" marker-end=\"url(#m)\" d=\"M" +
           Number(x1) + " " + Number(y1) + "C" + Number(x1 + bend) + " " +
           Number(y1) + " " + Number(x2 - bend) + " " + Number(y2) + " " +
           Number(x2) + " " + Number(y2) + "\"/>\n";
  }

  const GraphStory& story_;
};

}  // namespace

std::string GraphHtmlPage(const GraphStory& story) {
  return Page(story).Text();
}

}  // namespace netpoll::model
