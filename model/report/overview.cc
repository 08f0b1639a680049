// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/overview.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "netpoll/model/report/kills.h"
#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/state_graph.h"

namespace netpoll::model {
namespace {

constexpr char kColors[] =
#include "netpoll/model/report/html_colors.inc"
    ;
constexpr char kStyle[] =
#include "netpoll/model/report/overview_style.inc"
    ;
constexpr char kScript[] =
#include "netpoll/model/report/overview_script.inc"
    ;

std::string Number(std::uint64_t number) { return std::to_string(number); }

std::string Seconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", seconds);
  return text;
}

std::string Head(const std::string& text, const std::string& classes = "") {
  return "<th scope=\"col\"" +
         (classes.empty() ? "" : " class=\"" + classes + "\"") + ">" +
         HtmlText(text) + "</th>";
}

std::string Caption(const std::string& text) {
  return "<caption>" + HtmlText(text) + "</caption>";
}

class Page {
 public:
  explicit Page(const Overview& overview)
      : all_(overview), mutants_(ReadKills(overview.mutants)) {
    for (const KilledMutant& mutant : mutants_) {
      for (const Kill& kill : mutant.kills) {
        laws_.insert(kill.law);
        ++covers_[kill.configuration][kill.law];
      }
    }
  }

  std::string Text() const {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, "
           "initial-scale=1\">\n<title>netpoll check: " +
           HtmlText(Headline()) + "</title>\n<style>" + kColors + kStyle +
           std::string(StateGraphStyle()) + "</style></head><body><main>\n" +
           Header() + Broken() + Matrix() + Covered() + Mutants() + Drawing() +
           Certificate() + "</main>\n<script>" + kScript +
           "</script></body></html>\n";
  }

 private:
  std::uint64_t Failed() const {
    return static_cast<std::uint64_t>(
        std::count_if(all_.rows.begin(), all_.rows.end(),
                      [](const Overview::Row& row) { return !row.holds; }));
  }

  std::string Headline() const {
    if (Failed() == 0) {
      return "every property holds in " + Number(all_.rows.size()) +
             " configurations";
    }
    return "broken in " + Number(Failed()) + " of " + Number(all_.rows.size()) +
           " configurations";
  }

  std::string Header() const {
    return "<h1>netpoll check</h1>\n<p class=\"verdict" +
           std::string(Failed() == 0 ? "" : " bad") + "\"><b>" +
           HtmlText(Headline()) + "</b></p>\n<p>netpoll " +
           HtmlText(all_.version) + ", source <code>" +
           std::string(SourceDigest()) + "</code>, " +
           (all_.variant == "shipped"
                ? "as it ships"
                : "with <code>" + HtmlText(all_.variant) + "</code>") +
           "; " + Seconds(all_.seconds) +
           " s. Every interleaving, sequentially consistent, no bound.</p>\n"
           "<nav aria-label=\"parts\"><a href=\"#matrix\">configurations</a> "
           "<a href=\"#coverage\">coverage</a> <a href=\"#mutants\">mutants"
           "</a> <a href=\"#states\">a state graph</a> <a "
           "href=\"#certificate\">certificate</a></nav>\n";
  }

  std::string Broken() const {
    std::vector<const Overview::Row*> rows;
    for (const Overview::Row& row : all_.rows) {
      if (!row.holds) rows.push_back(&row);
    }
    if (rows.empty()) return "";
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto* a, const auto* b) {
                       return (a->steps == 0 ? 1 << 20 : a->steps) <
                              (b->steps == 0 ? 1 << 20 : b->steps);
                     });
    std::string text =
        "<h2 id=\"broken\">Counterexamples, the shortest first</h2>\n<table>" +
        Caption("What is broken, in which configuration") + "<thead><tr>" +
        Head("configuration") + Head("steps") + Head("what is broken") +
        "</tr></thead><tbody>\n";
    for (const Overview::Row* row : rows) {
      const std::string name = HtmlText(row->configuration);
      text +=
          "<tr><th scope=\"row\">" +
          (row->page.empty()
               ? name
               : "<a href=\"" + HtmlText(row->page) + "\">" + name + "</a>") +
          "</th><td class=\"n\">" +
          (row->steps == 0 ? "" : std::to_string(row->steps)) +
          "</td><td class=\"wrap\">" + HtmlText(row->verdict) + "</td></tr>\n";
    }
    return text + "</tbody></table>\n";
  }

  // Configurations by laws: how many mutants of a law die in each.
  std::string Matrix() const {
    std::string text =
        "<h2 id=\"matrix\">Configurations and properties</h2>\n<p>Under a law: "
        "how many mutants die by it in the configuration. What the laws are: "
        "<code>docs/properties.md</code>.</p>\n<section class=\"wide\" "
        "tabindex=\"0\" aria-label=\"configurations and "
        "properties\"><table class=\"sorts\">" +
        Caption(
            "Each configuration: what was explored, and which laws it is "
            "good for") +
        "<thead><tr>" + Head("configuration", "name") + Head("verdict") +
        Head("states") + Head("transitions") + Head("longest") +
        Head("seconds") + Head("interleavings");
    for (const std::string& law : laws_) text += Head(law, "law");
    text += "</tr></thead><tbody>\n";
    for (const Overview::Row& row : all_.rows) {
      text += "<tr><th scope=\"row\" title=\"" + HtmlText(row.about) + "\">" +
              HtmlText(row.configuration) + "</th><td class=\"" +
              (row.holds ? "good\">holds" : "bad\">broken") +
              "</td><td class=\"n\">" + Number(row.states) +
              "</td><td class=\"n\">" + Number(row.transitions) +
              "</td><td class=\"n\">" + HtmlText(row.longest) +
              "</td><td class=\"n\">" + Seconds(row.seconds) +
              "</td><td class=\"n\">" + HtmlText(row.interleavings) + "</td>";
      const auto covers = covers_.find(row.configuration);
      for (const std::string& law : laws_) {
        int count = 0;
        if (covers != covers_.end() && covers->second.contains(law)) {
          count = covers->second.at(law);
        }
        text += count == 0 ? "<td class=\"law\"></td>"
                           : "<td class=\"law some\">" + std::to_string(count) +
                                 "</td>";
      }
      text += "</tr>\n";
    }
    return text + "</tbody></table></section>\n";
  }

  static std::string Missing(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
      const char* const why = WhyNotMet(name);
      text += "<li" + std::string(why == nullptr ? " class=\"bad\"" : "") +
              "><code>" + HtmlText(name) +
              "</code>: " + (why == nullptr ? "NOT EXPLAINED" : HtmlText(why)) +
              "</li>\n";
    }
    return text.empty() ? "" : "<ul>" + text + "</ul>\n";
  }

  static std::string Met(const std::string& what, int met, int of,
                         const std::vector<std::string>& missing) {
    return "<p>" + what + ": " + std::to_string(met) + " of " +
           std::to_string(of) + " <meter min=\"0\" max=\"" +
           std::to_string(of) + "\" value=\"" + std::to_string(met) +
           "\" aria-label=\"" + what + "\">" + std::to_string(met) +
           "</meter>" +
           (missing.empty() ? "" : ". What no configuration meets:") +
           "</p>\n" + Missing(missing);
  }

  std::string Covered() const {
    const std::string head = "<h2 id=\"coverage\">Coverage</h2>\n";
    if (!all_.whole || Failed() != 0) {
      return head +
             "<p>Of the whole matrix only, when every property holds.</p>\n";
    }
    const Coverage& coverage = all_.coverage;
    return head +
           Met("rows of the semaphore's table met", coverage.rows_met,
               coverage.rows, coverage.rows_missing) +
           Met("accesses of core/ and runtime/protocols/ met",
               coverage.sites_met, coverage.sites, coverage.sites_missing);
  }

  // The script makes the table of it.
  std::string Mutants() const {
    std::map<std::string, int> numbers;
    std::string names;
    const auto number = [&](const std::string& name) {
      const auto [at, added] =
          numbers.try_emplace(name, static_cast<int>(numbers.size()));
      if (added) names += (names.empty() ? "" : ",") + JsonText(name);
      return std::to_string(at->second);
    };
    for (const Overview::Row& row : all_.rows) number(row.configuration);
    std::string data;
    for (const KilledMutant& mutant : mutants_) {
      std::string kills;
      for (const Kill& kill : mutant.kills) {
        kills += (kills.empty() ? "[" : ",[") + number(kill.configuration) +
                 "," + std::to_string(kill.steps) + "," + JsonText(kill.law) +
                 "]";
      }
      data += (data.empty() ? "[" : ",\n[") + JsonText(mutant.name) + ",[" +
              kills + "]]";
    }
    return "<h2 id=\"mutants\">How " + Number(mutants_.size()) +
           " mutants die</h2>\n<p>The matrix that is kept "
           "(<code>model/mutants/matrix.golden</code>). The darker, the "
           "shorter is the counterexample; a mark says its law and steps. A "
           "head sorts.</p>\n<p><label for=\"search\">Mutant, configuration or "
           "law: </label><input id=\"search\" type=\"search\"> <span "
           "id=\"found\" role=\"status\"></span></p>\n<section "
           "class=\"wide tall\" tabindex=\"0\" aria-label=\"mutants and "
           "configurations\"><div id=\"heat\"></div></section>\n<script "
           "type=\"application/json\" id=\"data\">{\"configurations\":[" +
           names + "],\"mutants\":[" + data + "]}</script>\n";
  }

  std::string Drawing() const {
    const std::string head = "<h2 id=\"states\">A state graph</h2>\n";
    if (all_.drawing.empty()) {
      return head + "<p>No configuration is small enough to be drawn.</p>\n";
    }
    return head + "<p>Every state of <code>" + HtmlText(all_.drawn) +
           "</code>, and every step. Also as <a href=\"states.svg\">"
           "states.svg</a>.</p>\n<section class=\"wide\" tabindex=\"0\" "
           "aria-label=\"the state graph\">" +
           all_.drawing + "</section>\n";
  }

  std::string Certificate() const {
    return "<h2 id=\"certificate\">Certificate</h2>\n<p>Also as <a "
           "href=\"certificate.txt\">certificate.txt</a>.</p>\n<pre "
           "tabindex=\"0\">" +
           HtmlText(all_.certificate) + "</pre>\n";
  }

  const Overview& all_;
  const std::vector<KilledMutant> mutants_;
  std::set<std::string> laws_;
  std::map<std::string, std::map<std::string, int>> covers_;
};

}  // namespace

Overview::Row Overview::Of(const Verdict& verdict) {
  Row row;
  row.configuration = verdict.scenario;
  row.about = verdict.about;
  row.states = verdict.result.states;
  row.transitions = verdict.result.transitions;
  row.seconds = verdict.seconds;
  row.holds = verdict.ok();
  const Survey& survey = verdict.survey;
  if (row.holds) {
    row.longest = survey.acyclic ? std::to_string(survey.longest) : "cyclic";
    row.interleavings =
        survey.acyclic ? survey.interleavings.Text() : "unbounded";
  } else if (verdict.story.broken()) {
    row.verdict = Diagnose(verdict.story).sentence;
    row.steps = static_cast<int>(verdict.story.schedule.size());
    row.page = verdict.scenario + ".html";
  } else {
    row.verdict = verdict.violation.empty() ? "cut off" : verdict.violation;
  }
  return row;
}

std::string OverviewPage(const Overview& overview) {
  return Page(overview).Text();
}

}  // namespace netpoll::model
