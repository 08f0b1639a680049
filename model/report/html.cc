// SPDX-License-Identifier: Apache-2.0
//
// The page: a row for each access, a lane for each thread, and what the shared
// words hold afterwards. Everything that it needs is in it.
//
// It is three storeys: <main>, which alone scrolls, both ways, so that the head
// of the table and the numbers of the steps can stay where they are; under it
// the bar, which so covers nothing; and the legend, a dialog.

#include <string>
#include <string_view>

#include "netpoll/model/report/html_table.h"
#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/pictures.h"

namespace netpoll::model {
namespace {

constexpr char kColors[] =
#include "netpoll/model/report/html_colors.inc"
    ;
constexpr char kStyle[] =
#include "netpoll/model/report/html_style.inc"
    ;
// Rows of one cell each: when asked for, in a narrow window, on paper.
constexpr char kCompact[] =
#include "netpoll/model/report/html_compact.inc"
    ;
constexpr char kPaper[] =
#include "netpoll/model/report/html_paper.inc"
    ;
constexpr char kScript[] =
#include "netpoll/model/report/html_script.inc"
    ;
constexpr char kLegend[] =
#include "netpoll/model/report/html_legend.inc"
    ;
constexpr char kBar[] =
#include "netpoll/model/report/html_bar.inc"
    ;

std::string Style() {
  return std::string(kColors) + kStyle + "body.dense {" + kCompact +
         "}\n@media (max-width: 50rem) { body {" + kCompact +
         "} }\n@media print { body {" + kCompact + "} }\n" + kPaper;
}

std::string Title(const Story& story) {
  return story.variant == "shipped" ? story.scenario
                                    : story.variant + "/" + story.scenario;
}

// The property, emphasised, and the rest of the sentence.
// With arrows that no line ends within.
std::string WithArrows(const std::string& sentence) {
  constexpr std::string_view kTyped = " -&gt; ";
  std::string text = HtmlText(sentence);
  for (std::size_t at; (at = text.find(kTyped)) != text.npos;) {
    text.replace(at, kTyped.size(), " &rarr; ");
  }
  return text;
}

std::string Sentence(const Story& story, const std::string& sentence) {
  if (!story.broken() || !sentence.starts_with(story.violation)) {
    return WithArrows(sentence) + ".";
  }
  return Element("b", "", HtmlText(story.violation)) +
         WithArrows(sentence.substr(story.violation.size())) + ".";
}

std::string Header(const Story& story, const Diagnosis& diagnosis) {
  return "<header><h1>" + HtmlText(Title(story)) + " <small>" +
         HtmlText(story.about) + "</small></h1>\n<p class=\"verdict" +
         (story.broken() ? " bad" : "") + "\">" +
         Sentence(story, diagnosis.sentence) +
         "</p>\n<p class=\"replay\"><code>netpoll replay " +
         HtmlText(ReplayStringOf(story)) + "</code></p>\n<p class=\"hint\">" +
         StepsOf(story) + ", " + SwitchesOf(story) + ".</p></header>\n";
}

}  // namespace

const char* StandText(Stand stand, bool lost) {
  switch (stand) {
    case Stand::kParked:
      return lost ? "parked for ever" : "parked";
    case Stand::kBlocked:
      return "waits";
    case Stand::kEnded:
      return "ended";
    case Stand::kMay:
      return "need not go on";
    case Stand::kRuns:
      break;
  }
  return "could go on";
}

std::string HtmlPage(const Story& story) {
  const Diagnosis diagnosis = Diagnose(story);
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, "
         "initial-scale=1\">\n<title>" +
         HtmlText(Title(story)) + "</title>\n<style>" + Style() +
         "</style></head><body>\n<main tabindex=\"0\" "
         "aria-label=\"the steps\">\n" +
         Header(story, diagnosis) + HtmlTable(story, diagnosis) + "</main>\n" +
         kBar + kLegend + "<script>" + kScript + "</script></body></html>\n";
}

}  // namespace netpoll::model
