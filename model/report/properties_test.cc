// SPDX-License-Identifier: Apache-2.0
//
// docs/properties.md is complete, and true: each property is there once, says
// where it is looked for, and names a place that exists. And each law that the
// explorer can break is on the page.

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

struct Row {
  std::string name;
  std::string where;
  std::vector<std::string> places;  // "file#text"
};

std::vector<Row> Rows() {
  std::vector<Row> rows;
  std::istringstream page(ReadFile("docs/properties.md"));
  const std::regex row(R"(\| ([A-Za-z0-9 ]+) \| .+ \| ([a-z, ]+) \| (.+) \|)");
  const std::regex place("`([^`]+)`");
  for (std::string line; std::getline(page, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    if (match[1] == "name") continue;
    Row one{match[1], match[2], {}};
    const std::string by = match[3];
    for (std::sregex_iterator at(by.begin(), by.end(), place), end; at != end;
         ++at) {
      one.places.push_back((*at)[1]);
    }
    rows.push_back(one);
  }
  return rows;
}

TEST(Properties, EachIsOnThePageOnce) {
  std::map<std::string, int> count;
  for (const Row& row : Rows()) ++count[row.name];
  for (int i = 1; i <= 24; ++i) EXPECT_EQ(count["I" + std::to_string(i)], 1);
  for (int i = 1; i <= 14; ++i) EXPECT_EQ(count["L" + std::to_string(i)], 1);
  for (const char* name : {"deadlock", "lock order", "race", "refinement"}) {
    EXPECT_EQ(count[name], 1) << name;
  }
}

TEST(Properties, EachIsLookedForAtAPlaceThatExists) {
  const std::set<std::string> kinds = {"step",  "history", "state", "rest",
                                       "graph", "cycle",   "pure",  "backend"};
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    std::istringstream words(row.where);
    for (std::string kind; std::getline(words >> std::ws, kind, ',');) {
      EXPECT_EQ(kinds.count(kind), 1u) << kind;
    }
    EXPECT_FALSE(row.places.empty());
    for (const std::string& place : row.places) {
      const auto hash = place.find('#');
      ASSERT_NE(hash, std::string::npos) << place;
      EXPECT_NE(ReadFile(place.substr(0, hash)).find(place.substr(hash + 1)),
                std::string::npos)
          << place;
    }
  }
}

TEST(Properties, EachLawOfTheExplorerIsOnThePage) {
  std::set<std::string> names;
  for (const Row& row : Rows()) names.insert(row.name);
  const std::regex law("\"([A-Z][0-9]*): ");
  for (const char* folder :
       {"model/engine", "model/laws", "model/scenarios", "model/systems"}) {
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const std::string text = ReadFile(file.path().string());
      for (std::sregex_iterator at(text.begin(), text.end(), law), end;
           at != end; ++at) {
        EXPECT_EQ(names.count((*at)[1]), 1u)
            << (*at)[1] << " in " << file.path();
      }
    }
  }
}

}  // namespace
}  // namespace netpoll::model
