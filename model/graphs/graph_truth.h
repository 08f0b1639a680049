// SPDX-License-Identifier: Apache-2.0
//
// Whether what is said of a graph is so, for tests: each access that is named
// is looked up in the story, with its thread, its value and its place; and it
// speaks of the task that the law meant.

#ifndef NETPOLL_MODEL_GRAPHS_GRAPH_TRUTH_H_
#define NETPOLL_MODEL_GRAPHS_GRAPH_TRUTH_H_

#include <cstddef>
#include <regex>
#include <string>
#include <vector>

#include "netpoll/model/graphs/graph_story.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {

class GraphTruth {
 public:
  explicit GraphTruth(const GraphStory& story) : story_(story) {}

  // Empty: it is so. Otherwise what is not.
  std::string Untrue() const {
    if (!story_.sentence.starts_with(story_.violation)) {
      return "no law is named";
    }
    if (story_.task >= 0) {  // Some laws are of nobody, or of any.
      const std::string who =
          story_.violation + ": " + story_.threads[story_.task] + " (";
      if (!story_.sentence.starts_with(who)) return "it does not say: " + who;
    }
    int named = 0;
    std::string wrong = OfReads(&named);
    if (wrong.empty()) wrong = OfOthers(&named);
    if (wrong.empty() && named == 0) return "it names no access";
    return wrong;
  }

 private:
  // "closer read rg = nil (20, cancel.rg, core/poll_desc.h:380)"
  std::string OfReads(int* named) const {
    static const std::regex read(
        R"((\S+) read (\S+) = (\S+) \((\d+), ([a-z_0-9.]+)(, ([^)]+))?\))");
    for (const std::smatch& found : All(read)) {
      ++*named;
      const GraphMoment* const at = MomentOf(found[4]);
      if (at == nullptr || at->object != found[2] || at->read != found[3] ||
          !IsThat(*at, found[1], found[5], found[7])) {
        return "it is not so: " + found.str();
      }
    }
    return "";
  }

  // "reader's prepare.word (6, core/poll_desc.h:193)"
  std::string OfOthers(int* named) const {
    static const std::regex other(
        R"((\S+)'s ([a-z_0-9.]+) \((\d+)(, ([^)]+))?\))");
    for (const std::smatch& found : All(other)) {
      ++*named;
      const GraphMoment* const at = MomentOf(found[3]);
      if (at == nullptr || !IsThat(*at, found[1], found[2], found[5])) {
        return "it is not so: " + found.str();
      }
    }
    return "";
  }

  bool IsThat(const GraphMoment& at, const std::string& who,
              const std::string& site, const std::string& place) const {
    const bool has_place = !PlaceOf(site).empty();
    return story_.threads[at.thread] == who && at.site == site &&
           at.place == place && (!has_place || !place.empty());
  }

  std::vector<std::smatch> All(const std::regex& what) const {
    std::vector<std::smatch> all;
    for (std::sregex_iterator
             at(story_.sentence.begin(), story_.sentence.end(), what),
         end;
         at != end; ++at) {
      all.push_back(*at);
    }
    return all;
  }

  const GraphMoment* MomentOf(const std::string& number) const {
    const std::size_t at = std::stoul(number);
    return at == 0 || at > story_.moments.size() ? nullptr
                                                 : &story_.moments[at - 1];
  }

  const GraphStory& story_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_GRAPH_TRUTH_H_
