// SPDX-License-Identifier: Apache-2.0
//
// Each access of core/ and of the runtime's protocols made weaker, one at a
// time: an exchange in two steps or without its comparison, a write left out, a
// lock not taken. Some configuration must notice, or it is written down why
// none can. No source is compiled for this: it is a mutant of the seam.

#include "netpoll/model/engine/weaken.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/survey.h"
#include "netpoll/model/ways_to_weaken.h"

namespace netpoll::model {
namespace {

// What is weaker than it looks, and yet enough.
const std::map<std::string, const char*>& Enough() {
  constexpr char kCallsNext[] =
      "whoever takes readiness back tries its system call next";
  constexpr char kNobody[] =
      "nobody else can move it: events of the last life are refused by their "
      "generation, those of the next come after Open";
  constexpr char kOneCall[] =
      "readiness that is left over costs one more system call";
  constexpr char kAlone[] =
      "nobody but a late timer, which changes nothing, can be there";
  constexpr char kRoom[] = "a sleep without room ends in time as well";
  constexpr char kUnseen[] = "nobody looks at what was there";
  constexpr char kEither[] =
      "of two that fail at once either is the first; to cancel twice is to "
      "cancel";
  constexpr char kOneWake[] =
      "a wake that comes meanwhile is one with the wake that is taken";
  constexpr char kNobodyElse[] =
      "not noticed: no configuration has two who do it at once";
  static const auto& enough = *new std::map<std::string, const char*>{
      {"reset.word split", kCallsNext},
      {"reset.word blind", kCallsNext},
      {"reset.word dropped", kOneCall},
      {"open.rg split", kOneCall},
      {"open.rg blind", kOneCall},
      {"open.rg dropped", kOneCall},
      {"open.wg split", kOneCall},
      {"open.wg blind", kOneCall},
      {"open.wg dropped", kOneCall},
      {"open.status split", kNobody},
      {"open.status blind", kNobody},
      {"close.lock unlocked", kAlone},
      {"retire.lock unlocked", kAlone},
      {"stale.count split", "a statistic"},
      {"token.clear split", kUnseen},
      {"token.retract split", kUnseen},
      {"place.take_timer split", kRoom},
      {"place.give_timer split", kRoom},
      {"parker.unpark split", kUnseen},
      {"fork.first split", kEither},
      {"fork.first blind", kEither},
      {"wakeup.finish split", kOneWake},
      {"wakeup.finish blind", kOneWake},
      {"gate.all.lock unlocked", kNobodyElse},
      {"gate.shut.lock unlocked", kNobodyElse},
      {"run.remove_background split", kNobodyElse},
      {"cancel.empty.lock unlocked", kNobodyElse},
      {"recall.take split",
       "it finds 1 whatever comes between; what it is an exchange for is the "
       "order, which interleavings do not show"},
      {"flight.begin dropped",
       "a call under way is told from none only to who begins another beside "
       "it, which breaks a rule"},
      {"turn.begin split", "turns come one after the other, which is a rule"},
  };
  return enough;
}

struct Weak {
  std::string site;
  Weakness how;
  std::vector<const Scenario*> scenarios;  // That have the site.
};

// Everything that can be made weaker, by site and manner.
std::vector<Weak> All() {
  std::set<std::string> core;
  for (const SourceSite& site : SourceSites()) {
    const std::string_view place = site.place;
    if (place.starts_with("core/") || place.starts_with("runtime/")) {
      core.insert(site.site);
    }
  }
  std::map<std::pair<std::string, Weakness>, std::vector<const Scenario*>> all;
  for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
    if (!scenario.small()) continue;
    Exploration exploration(scenario);
    EXPECT_TRUE(exploration.Run().complete);
    const Tabulator& tables = exploration.tables();
    std::set<std::pair<std::string, Weakness>> here;
    for (int thread = 0; thread < tables.thread_count(); ++thread) {
      for (const Node& node : tables.nodes(thread)) {
        const Access& access = tables.access(node.access);
        if (core.count(access.site) == 0) continue;
        for (const Weakness how : WaysToWeaken(access)) {
          here.insert({access.site, how});
        }
      }
    }
    for (const auto& one : here) all[one].push_back(&scenario);
  }
  std::vector<Weak> list;
  for (auto& [one, scenarios] : all) {
    list.push_back({one.first, one.second, std::move(scenarios)});
  }
  return list;
}

// The law that the first configuration to notice says, or nothing.
std::string Noticed(const Weak& weaker) {
  std::string law;
  for (const Scenario* scenario : weaker.scenarios) {
    const Scenario weak = Weaker(*scenario, {weaker.site, weaker.how});
    Exploration exploration(weak);
    SearchLimits limits;
    limits.states = 600'000;  // It may count for ever.
    const SearchResult result = exploration.Run(limits);
    law = result.violation;
    if (law.empty() && result.complete) {
      const Survey survey = SurveyOf(exploration.tables(), 600'000);
      if (survey.complete && !survey.acyclic) law = "L7: it may go on for ever";
    }
    if (!law.empty()) break;
  }
  return law;
}

TEST(Weakened, IsNoticedOrItIsSaidWhyNot) {
  CatchCrashes();
  const std::vector<Weak> all = All();
  EXPECT_GT(all.size(), 60u);
  std::set<std::string> names;
  for (const Weak& weaker : all) {
    const std::string name = weaker.site + " " + Name(weaker.how);
    names.insert(name);
    const bool enough = Enough().count(name) != 0;
    const std::string law = Noticed(weaker);
    EXPECT_EQ(law.empty(), enough)
        << name << (enough ? " is noticed after all: " + law : " survives");
  }
  for (const auto& [name, why] : Enough()) {
    EXPECT_EQ(names.count(name), 1u) << name << " is not in the matrix";
  }
}

}  // namespace
}  // namespace netpoll::model
