// SPDX-License-Identifier: Apache-2.0
//
// The page about a whole check, the drawing of a state graph, and the trace for
// Perfetto's UI: as text. How pages look is measured in a browser.

#include "netpoll/model/report/overview.h"

#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/report/broken_world.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/markup.h"
#include "netpoll/model/report/perfetto.h"
#include "netpoll/model/report/state_graph.h"

namespace netpoll::model {
namespace {

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

constexpr char kMatrix[] =
    "# Mutant: ...\n\n"
    "A1-one\n"
    "  broken                  5 steps, L1\n"
    "  mended                  L2\n\n"
    "B2-two\n"
    "  broken                  12 steps, L1\n\n"
    "# Configuration: how many mutants it kills\n\n"
    "broken   2, alone: B2-two\n";

Overview Some() {
  Overview overview;
  overview.variant = "shipped";
  overview.version = "1.2.3";
  overview.mutants = kMatrix;
  overview.rows = {Overview::Of(Check("shipped", BrokenScenario())),
                   Overview::Of(Check("shipped", BrokenScenario(true)))};
  return overview;
}

TEST(Overview, SaysWhatIsBrokenAndWhereItsPageIs) {
  const std::string page = OverviewPage(Some());
  EXPECT_TRUE(Has(page, "broken in 1 of 2 configurations"));
  EXPECT_TRUE(Has(page, "<a href=\"broken.html\">broken</a>"));
  EXPECT_TRUE(Has(page, "news: somebody sleeps through them"));
  EXPECT_TRUE(Has(page, "netpoll 1.2.3, source"));
}

TEST(Overview, IsWrittenAlsoWhenAllHolds) {
  Overview overview = Some();
  overview.rows.erase(overview.rows.begin());
  const std::string page = OverviewPage(overview);
  EXPECT_TRUE(Has(page, "every property holds in 1 configurations"));
  EXPECT_FALSE(Has(page, "Counterexamples"));
}

TEST(Overview, TheMatrixOfMutantsIsRead) {
  const std::string page = OverviewPage(Some());
  EXPECT_TRUE(Has(page, "How 2 mutants die"));
  EXPECT_TRUE(Has(page, "[\"A1-one\",[[0,5,\"L1\"],[1,0,\"L2\"]]]"));
  EXPECT_TRUE(Has(page, "[\"B2-two\",[[0,12,\"L1\"]]]"));
  // Two mutants of L1 die in `broken`, one of L2 in `mended`.
  EXPECT_TRUE(
      Has(page, "<td class=\"law some\">2</td><td class=\"law\"></td>"));
  EXPECT_TRUE(
      Has(page, "<td class=\"law\"></td><td class=\"law some\">1</td>"));
}

TEST(Overview, AsksForNothing) {
  const std::string page = OverviewPage(Some());
  for (const char* const word :
       {"http:", "https:", "src=", "url(", "@import", "<link", "fetch("}) {
    EXPECT_FALSE(Has(page, word)) << word;
  }
}

TEST(StateGraph, HasADotForEachStateAndALineForEachStep) {
  const Scenario mended = BrokenScenario(true);
  const Verdict verdict = Check("shipped", mended);
  ASSERT_TRUE(verdict.ok());
  const std::string svg = StateGraphSvg(mended, true);
  const int legend = static_cast<int>(mended.make()->threads().size());
  EXPECT_EQ(Count(svg, "<circle"), static_cast<int>(verdict.result.states) + 1);
  EXPECT_EQ(Count(svg, "<path"),
            static_cast<int>(verdict.result.transitions) + legend);
  EXPECT_EQ(Count(svg, "class=\"rest\""),
            static_cast<int>(verdict.survey.at_rest) + 1);
  EXPECT_TRUE(Has(svg, "<style>"));
  EXPECT_FALSE(Has(StateGraphSvg(mended, false), "<style>"));
}

TEST(Perfetto, HasASliceForEachAccessAndNamesForAllTracks) {
  const Story story = Check("shipped", BrokenScenario()).story;
  const std::string trace = PerfettoTrace(story);
  EXPECT_EQ(Count(trace, "\"cat\": \"step\""),
            static_cast<int>(story.moments.size()) + 1);
  EXPECT_EQ(Count(trace, "parked for ever"), 2);  // And in the verdict.
  EXPECT_EQ(Count(trace, "\"decisive\": true"), 2);
  EXPECT_TRUE(Has(trace,
                  "{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": "
                  "1, \"tid\": 1, \"args\": {\"name\": \"sleeper\"}}"));
  EXPECT_TRUE(Has(trace, "\"replay\": \"netpoll replay np1:broken:"));
  EXPECT_EQ(Count(trace, "{"), Count(trace, "}"));
}

TEST(Markup, JsonTextIsSafeInAScript) {
  EXPECT_EQ(JsonText("a\"b\\c\n</script>"),
            "\"a\\\"b\\\\c\\u000a\\u003c/script>\"");
}

}  // namespace
}  // namespace netpoll::model
