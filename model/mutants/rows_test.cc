// SPDX-License-Identifier: Apache-2.0
//
// A row that does not say what it changes, or does not fit the source, is
// refused with a sentence.

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/compose.h"
#include "netpoll/model/mutants/killers.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

constexpr char kRow[] =
    "# a comment\n"
    "about: It forgets.\n"
    "breaks: L1 I2\n"
    "file: core/a.h\n"
    "<<<<\nint one;\n====\nint two;\n>>>>\n";

Sources Small() {
  return {{kMatrixSource,
           "NETPOLL_FAMILY(A, \"model/scenarios/a_world.h\")\n"
           "NETPOLL_FAMILY(B,\n    \"model/scenarios/b_world.h\")\n"},
          {"model/scenarios/a_world.h",
           "#include <vector>\n"
           "#include \"netpoll/core/a.h\"\n"
           "#include \"netpoll/model/engine/world.h\"\n"
           "inline void AddAScenarios(int) {}\n"},
          {"model/scenarios/a_world_laws.cc",
           "#include \"netpoll/model/scenarios/a_world.h\"\n"
           "int law;\n"},
          {"model/scenarios/b_world.h", "inline void AddBScenarios(int) {}\n"},
          {"core/a.h",
           "#ifndef NETPOLL_CORE_A_H_\n"
           "#define NETPOLL_CORE_A_H_\n"
           "int one;\nstatic_assert(true);\n"
           "#endif\n"}};
}

std::string WhyNot(const std::string& text, const Sources& sources = Small()) {
  std::vector<Row> rows(1);
  std::string why;
  std::string out;
  if (!ParseRow("X1-y", text, &rows[0], &why)) return why;
  Composer(sources).Compose(rows, &out, &why);
  return why;
}

TEST(ARow, SaysWhatItChanges) {
  Row row;
  std::string why;
  ASSERT_TRUE(ParseRow("C2-by-store", kRow, &row, &why)) << why;
  EXPECT_EQ(row.about, "It forgets.");
  EXPECT_EQ(row.breaks, (std::vector<std::string>{"L1", "I2"}));
  ASSERT_EQ(row.changes.size(), 1u);
  EXPECT_EQ(row.changes[0].file, "core/a.h");
  EXPECT_EQ(row.changes[0].old_text, "int one;");
  EXPECT_EQ(row.changes[0].new_text, "int two;");
}

TEST(ARow, IsRefusedWithASentence) {
  EXPECT_EQ(WhyNot("breaks: L1\n"), "X1-y:1: no \"about:\" line");
  EXPECT_EQ(WhyNot("about: a\n"), "X1-y:1: no \"breaks:\" line");
  EXPECT_EQ(WhyNot("about: a\nbreaks: L1\n"), "X1-y:2: changes nothing");
  EXPECT_EQ(WhyNot("about: a\nbreaks: L1\nweaken: a.b open\n"),
            "X1-y:3: not \"weaken: SITE split\", blind, dropped, unlocked, or "
            "\"SITE OPERATION\" and a memory order");
  for (const char* weaken : {"a.b", "a.b none", "a.b cas split"}) {
    EXPECT_NE(
        WhyNot("about: a\nbreaks: L1\nweaken: " + std::string(weaken) + "\n"),
        "")
        << weaken;
  }
  for (const char* weaken : {"* acq_rel", "a.b relaxed", "a.b cas acquire"}) {
    EXPECT_EQ(
        WhyNot("about: a\nbreaks: L1\nweaken: " + std::string(weaken) + "\n"),
        "")
        << weaken;
  }
  EXPECT_EQ(WhyNot(std::string(kRow) + "weaken: a.b split\n"),
            "X1-y:10: changes the source and weakens a site");
  EXPECT_EQ(WhyNot("<<<<\n"), "X1-y:1: a change before any \"file:\" line");
  EXPECT_EQ(WhyNot("hello\n"), "X1-y:1: not a line of a mutant");
  EXPECT_EQ(WhyNot("file: a\n<<<<\n====\n"), "X1-y:3: no old text");
  EXPECT_EQ(WhyNot("file: a\n<<<<\nx\n====\n"),
            "X1-y:4: a change that does not end with >>>>");
}

TEST(AMutant, IsRefusedWhereItsTextIsNotThereExactlyOnce) {
  EXPECT_EQ(WhyNot(kRow), "");
  Sources sources = Small();
  sources["core/a.h"] = "int three;\n";
  EXPECT_EQ(WhyNot(kRow, sources),
            "X1-y: core/a.h has this text 0 times, not once:\nint one;");
  sources["core/a.h"] = "int one; int one;\n";
  EXPECT_EQ(WhyNot(kRow, sources),
            "X1-y: core/a.h has this text 2 times, not once:\nint one;");
  sources.erase("core/a.h");
  EXPECT_EQ(WhyNot(kRow, sources),
            "X1-y: core/a.h is not among the sources of the model");
}

TEST(AMutant, HasTheFamiliesThatContainItsSource) {
  std::vector<Row> rows(2);
  std::string why;
  std::string out;
  ASSERT_TRUE(ParseRow("X1-y", kRow, &rows[0], &why)) << why;
  ASSERT_TRUE(ParseRow("X1-z", kRow, &rows[1], &why)) << why;
  ASSERT_TRUE(Composer(Small()).Compose(rows, &out, &why)) << why;
  EXPECT_NE(out.find("AddAScenarios(all)"), std::string::npos);
  EXPECT_EQ(out.find("AddBScenarios"), std::string::npos);
  // Both have the source, changed, under names of their own.
  EXPECT_EQ(out.find("int one"), std::string::npos);
  EXPECT_NE(out.find("int two"), out.rfind("int two"));
  EXPECT_NE(out.find("#define netpoll netpoll_mutant_X1_y\n"),
            std::string::npos);
  EXPECT_NE(out.find("#define netpoll netpoll_mutant_X1_z\n"),
            std::string::npos);
  // The explorer stays outside; assertions of the source are muted.
  EXPECT_NE(out.find("#include \"netpoll/model/engine/world.h\""),
            std::string::npos);
  EXPECT_EQ(out.find("static_assert(true);"), std::string::npos);
}

TEST(AMutant, IsLimitedToTheFamiliesThatAreNamed) {
  Sources sources = Small();
  sources["model/scenarios/b_world.h"] =
      "#include \"netpoll/core/a.h\"\ninline void AddBScenarios(int) {}\n";
  std::vector<Row> rows(2);
  std::string why;
  std::string out;
  ASSERT_TRUE(ParseRow("X1-y", kRow, &rows[0], &why)) << why;
  ASSERT_TRUE(ParseRow("X1-z", kRow, &rows[1], &why)) << why;
  Composer composer(sources);
  composer.Limit({{"X1-y", {"B"}}});
  ASSERT_TRUE(composer.Compose(rows, &out, &why)) << why;
  const auto second = out.find("netpoll_mutant_X1_z");
  EXPECT_GT(out.find("AddAScenarios(all)"), second);
  EXPECT_LT(out.find("AddBScenarios(all)"), second);
  EXPECT_GT(out.rfind("AddBScenarios(all)"), second);
}

TEST(AMutant, DiesInTheFamiliesOfTheGoldenFiles) {
  const auto families = KillingFamilies(
      "# ...\n\nX1-y\n  a-one   3 steps, L1\n  b-one   crash\n\n"
      "X1-new\n  c-one   3 steps, L1\n\nX1-z\n  SURVIVES\n\n"
      "# Configuration: ...\n\na-one   1, alone: X1-y\n",
      "# ...\nX1-y   closed-a  L9\nX1-z   none: a reason\n",
      "# ...\na-one A\nb-one B\nclosed-a Closed\n");
  const std::map<std::string, std::set<std::string>> expected = {
      {"X1-y", {"A", "B", "Closed"}}};
  EXPECT_EQ(families, expected);
}

TEST(AMutant, HasTheWorldOfABackendIfItChangesTheBackend) {
  Sources sources = Small();
  sources[kMatrixSource] += "NETPOLL_FAMILY(C, \"model/systems/c_world.h\")\n";
  sources["model/systems/c_world.h"] =
      "#include \"netpoll/backends/c.h\"\n"
      "#include \"netpoll/core/a.h\"\n"
      "inline void AddCScenarios(int) {}\n";
  sources["backends/c.h"] = "int one;\n";
  std::string text = kRow;
  for (const bool of_backend : {false, true}) {
    if (of_backend) text.replace(text.find("core/a.h"), 8, "backends/c.h");
    std::vector<Row> rows(1);
    std::string why;
    std::string out;
    ASSERT_TRUE(ParseRow("X1-y", text, &rows[0], &why)) << why;
    ASSERT_TRUE(Composer(sources).Compose(rows, &out, &why)) << why;
    EXPECT_EQ(out.find("AddCScenarios(all)") != std::string::npos, of_backend);
  }
}

TEST(AMutant, HasWhatImplementsItsHeadersAndMayChangeIt) {
  std::vector<Row> rows(1);
  std::string why;
  std::string out;
  ASSERT_TRUE(ParseRow("X1-y",
                       "about: a\nbreaks: L1\n"
                       "file: model/scenarios/a_world_laws.cc\n"
                       "<<<<\nint law;\n====\nint no_law;\n>>>>\n",
                       &rows[0], &why))
      << why;
  ASSERT_TRUE(Composer(Small()).Compose(rows, &out, &why)) << why;
  EXPECT_LT(out.find("int one;"), out.find("int no_law;"));
  EXPECT_NE(out.find("int no_law;"), std::string::npos);
  EXPECT_NE(out.find("AddAScenarios(all)"), std::string::npos);
}

TEST(AMutant, ThatWeakensASiteIsTheShippedSource) {
  std::vector<Row> rows(1);
  std::string why;
  std::string out;
  ASSERT_TRUE(ParseRow("X1-y", "about: a\nbreaks: L1\nweaken: a.b split\n",
                       &rows[0], &why))
      << why;
  ASSERT_TRUE(Composer(Small()).Compose(rows, &out, &why)) << why;
  EXPECT_NE(out.find("{\"X1-y\", \"a\", {}, {\"a.b\", "
                     "netpoll::model::WeaknessNamed(\"split\")}}"),
            std::string::npos);
  EXPECT_EQ(out.find("int one;"), std::string::npos);
}

TEST(AMutant, IsTheSameWhateverTheCommentsSay) {
  std::vector<Row> rows(1);
  std::string why;
  std::string before;
  std::string after;
  ASSERT_TRUE(ParseRow("X1-y", kRow, &rows[0], &why)) << why;
  ASSERT_TRUE(Composer(Small()).Compose(rows, &before, &why)) << why;
  Sources edited = Small();
  std::string& text = edited["core/a.h"];
  text.replace(text.find("int one;"), 8, "int one;  // The first.");
  ASSERT_TRUE(Composer(edited).Compose(rows, &after, &why)) << why;
  EXPECT_EQ(before, after);
}

// Whoever changes a place of the source that a mutant changes, too, hears of it
// here, before anything is compiled.
TEST(EveryRow, FitsTheSourceAsItIs) {
  Sources sources;
  for (const char* root : {"core", "model", "backends", "runtime/protocols"}) {
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(root)) {
      if (file.is_directory()) continue;
      sources[file.path().string()] = ReadFile(file.path());
    }
  }
  Composer composer(std::move(sources));
  for (const char* folder : {"model/mutants/rows", "model/mutants/liveness"}) {
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      std::vector<Row> rows(1);
      std::string why;
      std::string out;
      EXPECT_TRUE(ParseRow(file.path().stem().string(), ReadFile(file.path()),
                           &rows[0], &why) &&
                  composer.Compose(rows, &out, &why))
          << why;
    }
  }
}

// The corpus has C1 to C21, S1 to S17, K1 to K22 and E1 to E19.
TEST(Rows, EachOfTheCorpusIsAMutantOrHasAReason) {
  std::set<std::string> rows;
  for (const auto& file :
       std::filesystem::directory_iterator("model/mutants/rows")) {
    const std::string name = file.path().filename().string();
    rows.insert(name.substr(0, name.find('-')));
  }
  std::set<std::string> reasons;
  std::ifstream impossible("model/mutants/impossible.txt");
  for (std::string line; std::getline(impossible, line);) {
    const auto colon = line.find(": ");
    if (!line.starts_with('#') && colon != std::string::npos) {
      reasons.insert(line.substr(0, colon));
    }
  }
  const std::pair<char, int> families[] = {
      {'C', 21}, {'S', 17}, {'K', 22}, {'E', 19}};
  for (const auto& [family, last] : families) {
    for (int number = 1; number <= last; ++number) {
      const std::string row = family + std::to_string(number);
      EXPECT_EQ(rows.count(row) + reasons.count(row), 1u) << row;
    }
  }
}

}  // namespace
}  // namespace netpoll::model
