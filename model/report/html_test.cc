// SPDX-License-Identifier: Apache-2.0
//
// The page as text: that it is well formed, complete and alone. How it looks is
// measured in a browser (tests/browser).

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/report/broken_world.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Story& Broken() {
  static const Story& story =
      *new Story(Check("shipped", BrokenScenario()).story);
  return story;
}

std::vector<std::string> AllOf(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end;
       ++at) {
    found.push_back(at->size() > 1 ? (*at)[1] : (*at)[0]);
  }
  return found;
}

// A page without what is no markup.
std::string Markup(std::string page) {
  for (const std::string tag : {"style", "script"}) {
    const std::size_t from = page.find("<" + tag + ">") + tag.size() + 2;
    page.erase(from, page.find("</" + tag + ">", from) - from);
  }
  return page;
}

TEST(HtmlPage, EveryElementIsClosedInItsOrder) {
  const std::string page = Markup(HtmlPage(Broken()));
  std::vector<std::string> open;
  for (const std::string& tag : AllOf(page, "<(/?[a-z][a-z0-9]*)[^>]*>")) {
    if (tag == "meta") continue;
    if (tag[0] != '/') {
      open.push_back(tag);
      continue;
    }
    ASSERT_FALSE(open.empty());
    ASSERT_EQ("/" + open.back(), tag);
    open.pop_back();
  }
  EXPECT_EQ(open, std::vector<std::string>());
}

TEST(HtmlPage, EveryAccessHasARowWithAnAddressOfItsOwn) {
  const Story& story = Broken();
  std::size_t shown = 0;
  for (const Moment& moment : story.moments) shown += moment.plain ? 0 : 1;
  ASSERT_GE(shown, 4);
  const std::string page = HtmlPage(story);
  const auto rows = AllOf(page, "<tr class=\"step[^\"]*\" id=\"([^\"]*)\"");
  EXPECT_EQ(rows.size(), shown);
  const auto ids = AllOf(page, " id=\"([^\"]*)\"");
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  for (const std::string& row : rows) {
    EXPECT_THAT(page, HasSubstr("<a href=\"#" + row + "\">"));
  }
}

TEST(HtmlPage, HeadsSayWhatTheyAreHeadsOf) {
  const std::string page = HtmlPage(Broken());
  EXPECT_THAT(page, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(page, HasSubstr("<caption>"));
  EXPECT_THAT(page, HasSubstr("aria-live=\"polite\""));
  const auto heads = AllOf(Markup(page), "<th[ >][^>]*>?");
  ASSERT_GE(heads.size(), 8);
  for (const std::string& head : heads) {
    EXPECT_THAT(head, HasSubstr("scope=\""));
  }
}

TEST(HtmlPage, DecisiveStepsAreMarkedAndStandInNoRun) {
  const Story& story = Broken();
  const Diagnosis diagnosis = Diagnose(story);
  ASSERT_NE(diagnosis.from, 0);
  const std::string page = HtmlPage(story);
  for (const int step : {diagnosis.from, diagnosis.to}) {
    const auto row = page.find(" id=\"step-" + std::to_string(step) + "\"");
    ASSERT_NE(row, std::string::npos);
    EXPECT_EQ(page.substr(page.rfind("<tr", row), 14), "<tr class=\"ste");
    EXPECT_THAT(page.substr(page.rfind("<tr", row), 30), HasSubstr("step key"));
    const std::size_t body = page.rfind("<tbody", row);
    EXPECT_EQ(page.substr(body, 8), "<tbody>\n");
  }
}

TEST(HtmlPage, ItAsksForNothing) {
  const std::string page = HtmlPage(Broken());
  for (const char* const word :
       {"http", "src=", "url(", "@import", "<link", "fetch("}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
}

TEST(HtmlPage, AValueIsCalledTheSameBeforeItIsFirstTouched) {
  for (const Moment& moment : Broken().moments) {
    for (std::size_t i = 0; i < moment.values.size(); ++i) {
      EXPECT_NE(moment.values[i], "") << moment.step;
    }
  }
  EXPECT_EQ(Broken().moments.front().values.size(), Broken().columns.size());
}

TEST(Source, ASiteHasItsWholeStatement) {
  EXPECT_THAT(std::string(StatementOf("commit.word")),
              ::testing::StartsWith("const auto done = Update<Env>("));
  EXPECT_EQ(StatementOf("no.such.site"), "");
  for (const SourceSite& site : SourceSites()) {
    EXPECT_THAT(std::string(site.text),
                HasSubstr("\"" + std::string(site.site) + "\""));
  }
}

}  // namespace
}  // namespace netpoll::model
