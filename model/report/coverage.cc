// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/coverage.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "netpoll/model/reference/semaphore_table.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

struct Reason {
  std::string_view name;
  const char* why;
};

constexpr char kQuery[] = "only looks; nothing is decided by it";
constexpr char kBuilding[] = "happens while the world is built, by one thread";
constexpr char kPlaces[] = "memory is reserved by it, and nobody waits";
constexpr char kPool[] = "the pool gives out only what Close let go";

constexpr const char* kAgain = "begins anew while nobody else is about";
constexpr Reason kReasons[] = {
    {"parked+commit", "Prepare stops a second task before it commits"},
    {"parked+finish", "a task runs again only when its waiter was handed out"},
    {"parked+close", "Unblock took the waiter, and nobody parks after it"},
    {"wait+open", kPool},
    {"parked+open", kPool},
    {"inspect.word", kQuery},
    {"parked.rg", kQuery},
    {"parked.wg", kQuery},
    {"inspect.status", kQuery},
    {"waiters.load", kQuery},
    {"stale.load", kQuery},
    {"open.load", kQuery},
    {"open.visit.lock", kQuery},
    {"timers.size.lock", kQuery},
    {"timers.visit.lock", kQuery},
    {"cancel.visit.lock", kQuery},
    {"any.turn", kQuery},
    {"most.open", kQuery},
    {"runq.size.lock", kQuery},
    {"permits.free.lock", kQuery},
    {"gate.look.lock", kQuery},
    {"channel.look.lock", kQuery},
    {"fork.left", kQuery},
    {"hearing.ref", kBuilding},
    {"place.take", kPlaces},
    {"place.give", kPlaces},
    {"run.phase", kQuery},
    {"work.threads.lock", kQuery},
    {"work.waiting.lock", kQuery},
    {"turn.between", kQuery},
    {"run.add_background", kBuilding},
    {"stop.again", kAgain},
    {"cancel.again", kAgain},
    {"open.again.lock", kAgain},
    {"destroy.open", "a Poller is destroyed by its last user"},
    {"wakeup.end", "what tasks wait for is destroyed by its last user"},
    {"pool.free_chunk", kBuilding},
    {"pool.carve", kBuilding},
    {"pool.publish", kBuilding},
    {"pool.grow", kBuilding},
    {"timers.reserve.lock", kBuilding},
};

bool IsEvent(std::string_view site, std::string_view event) {
  return site.size() > event.size() && site.starts_with(event) &&
         site[event.size()] == '.';
}

// A row that moves the word is met when the word was moved; one that leaves it
// when it was looked at.
bool Met(const reference::Rule& rule, const WordMoves& moves) {
  const int from = static_cast<int>(rule.state);
  const int to = static_cast<int>(rule.next);
  for (const auto& [move, count] : moves) {
    if (!IsEvent(move.site, reference::Name(rule.event))) continue;
    if (move.from == from && move.to == to && (move.wrote || from == to)) {
      return true;
    }
  }
  return false;
}

std::string Lines(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const char* const why = WhyNotMet(name);
    text +=
        "  " + name + ": " + (why == nullptr ? "NOT EXPLAINED" : why) + "\n";
  }
  return text;
}

}  // namespace

Coverage CoverageOf(const WordMoves& moves, const SiteUses& uses) {
  Coverage coverage;
  for (const reference::Rule& rule : reference::kRules) {
    ++coverage.rows;
    if (Met(rule, moves)) {
      ++coverage.rows_met;
    } else {
      coverage.rows_missing.push_back(std::string(reference::Name(rule.state)) +
                                      "+" + reference::Name(rule.event));
    }
  }
  for (const SourceSite& site : SourceSites()) {
    const std::string_view place = site.place;
    if (!place.starts_with("core/") && !place.starts_with("runtime/")) continue;
    ++coverage.sites;
    const auto use = uses.find(site.site);
    if (use == uses.end()) {
      coverage.sites_missing.push_back(site.site);
      continue;
    }
    ++coverage.sites_met;
    if (use->second.exchanges > 0 && use->second.failed == 0) {
      coverage.never_lost.push_back(site.site);
    }
  }
  return coverage;
}

const char* WhyNotMet(std::string_view name) {
  for (const Reason& reason : kReasons) {
    if (reason.name == name) return reason.why;
  }
  return nullptr;
}

std::vector<std::string> Coverage::Unexplained() const {
  std::vector<std::string> names;
  for (const auto* missing : {&rows_missing, &sites_missing}) {
    for (const std::string& name : *missing) {
      if (WhyNotMet(name) == nullptr) names.push_back(name);
    }
  }
  return names;
}

std::string Coverage::Text() const {
  std::string text =
      "rows of the semaphore's table met: " + std::to_string(rows_met) +
      " of " + std::to_string(rows) + "\n" + Lines(rows_missing) +
      "accesses of core/ and runtime/protocols/ met: " +
      std::to_string(sites_met) + " of " + std::to_string(sites) + "\n" +
      Lines(sites_missing);
  text += "exchanges that never lost a race:";
  for (const std::string& site : never_lost) text += " " + site;
  return text + (never_lost.empty() ? " none\n" : "\n");
}

std::string StateDiagram(const WordMoves& moves) {
  constexpr const char* kNames[] = {"Nil", "Ready", "Wait", "Parked"};
  std::map<std::pair<int, int>, std::set<std::string>> edges;
  for (const auto& [move, count] : moves) {
    if (!move.wrote || move.from == move.to) continue;
    edges[{move.from, move.to}].insert(
        move.site.substr(0, move.site.find('.')));
  }
  std::string text = "stateDiagram-v2\n  [*] --> Nil\n";
  for (const auto& [edge, events] : edges) {
    text += std::string("  ") + kNames[edge.first] + " --> " +
            kNames[edge.second] + ": ";
    std::string names;
    for (const std::string& event : events) {
      names += (names.empty() ? "" : ", ") + event;
    }
    text += names + "\n";
  }
  return text;
}

}  // namespace netpoll::model
