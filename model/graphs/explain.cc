// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/explain.h"

#include <algorithm>
#include <set>

#include "netpoll/model/graphs/relations.h"

namespace netpoll::model {
namespace {

class Explainer {
 public:
  Explainer(const Tabulator& tables, const WeakGraph& graph,
            const GraphStory& story)
      : graph_(graph), story_(story), relations_(tables, graph, story.model) {}

  Explanation Text() {
    const bool race = story_.violation.starts_with("race: ");
    Explanation explanation = race ? OfRace() : OfCycle();
    if (explanation.text.empty()) explanation = OfWhatOrdersNothing();
    if (explanation.text.empty()) {
      explanation.text = "an interleaving does this too: netpoll check";
      return explanation;
    }
    const std::string remedy = Remedy(explanation.events);
    if (!remedy.empty()) explanation.text += "; " + remedy;
    return explanation;
  }

 private:
  const std::string& Who(int event) const {
    return story_.threads[graph_.events[event].thread];
  }
  const GraphMoment& At(int event) const { return story_.moments[event]; }
  // "4, core/poll_desc.h:171"
  std::string Where(int event, const std::string& site) const {
    const std::string& place = At(event).place;
    return std::to_string(event + 1) + site +
           (place.empty() ? "" : ", " + place);
  }
  // "reader's prepare.word (4, core/poll_desc.h:171)"
  std::string Named(int event) const {
    return Who(event) + "'s " + At(event).site + " (" + Where(event, "") + ")";
  }

  // A graph that is no interleaving has a cycle of: program order, taking from,
  // being replaced, and reading too early. The last are what a reader can
  // understand.
  Explanation OfCycle() {
    const Relation cycles = relations_.program() | relations_.reads_from() |
                            relations_.modification() |
                            relations_.reads_before();
    const std::vector<int> cycle = cycles.ShortestCycle();
    Explanation explanation{"", cycle};
    std::string instead;
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      const int from = cycle[i];
      const int to = cycle[(i + 1) % cycle.size()];
      if (relations_.program().Has(from, to)) continue;
      if (relations_.reads_before().Has(from, to)) {
        Append(explanation.text, TooEarly(from, to));
      } else if (relations_.modification().Has(from, to)) {
        Append(instead, Named(to) + " replaced what " + Named(from) + " wrote");
      }
    }
    if (explanation.text.empty()) explanation.text = instead;
    if (!explanation.text.empty() && AnyoneIsStuck()) {
      explanation.text += ", and nobody looks again";
    }
    return explanation;
  }

  std::string TooEarly(int read, int write) const {
    return Who(read) + " read " + At(read).object + " = " + At(read).read +
           " (" + Where(read, ", " + At(read).site) + ") before " +
           Named(write) + " was visible to it";
  }

  bool AnyoneIsStuck() const {
    return std::any_of(
        story_.ends.begin(), story_.ends.end(), [](const std::string& end) {
          return end.starts_with("parked") || end.starts_with("waits");
        });
  }

  // The way by which one side heard of the other, and where it orders nothing.
  Explanation OfRace() {
    const GraphRelations::Race race = relations_.FindRace();
    if (race.a < 0) return {};
    Explanation explanation{"", {race.a, race.b}};
    explanation.text = Named(race.a) + " and " + Named(race.b) +
                       " are not ordered, neither before the other";
    const Relation heard = relations_.program() | relations_.reads_from();
    const Relation synchronizes = relations_.Synchronizes();
    std::vector<int> way = heard.ShortestWay(race.a, race.b);
    if (way.empty()) way = heard.ShortestWay(race.b, race.a);
    std::string broken;
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
      const int write = way[i];
      const int read = way[i + 1];
      if (!relations_.reads_from().Has(write, read) ||
          synchronizes.Has(write, read)) {
        continue;
      }
      explanation.events.insert(explanation.events.end(), {write, read});
      Append(broken, TookUnordered(write, read));
    }
    explanation.text += way.empty() ? ": neither read anything of the other"
                        : broken.empty() ? ""
                                         : ": " + broken;
    return explanation;
  }

  // The graph is an interleaving, and yet somebody did not know what it should:
  // it took a value that nothing orders.
  Explanation OfWhatOrdersNothing() {
    Explanation explanation;
    const Relation synchronizes = relations_.Synchronizes();
    for (int read = 0; read < synchronizes.events(); ++read) {
      const int write = graph_.events[read].reads_from;
      if (!graph_.events[read].reads || write < 0 ||
          graph_.events[write].thread == graph_.events[read].thread ||
          synchronizes.Has(write, read) || relations_.order(read).plain) {
        continue;
      }
      explanation.events.insert(explanation.events.end(), {write, read});
      Append(explanation.text, TookUnordered(write, read));
    }
    return explanation;
  }

  std::string TookUnordered(int write, int read) const {
    const bool release = relations_.order(write).release;
    const bool acquire = relations_.order(read).acquire;
    return Named(read) + " took what " + Named(write) + " wrote, but " +
           (release ? "" : "the write is no release") +
           (release || acquire ? "" : " and ") +
           (acquire ? "" : "the read no acquire");
  }

  static void Append(std::string& text, const std::string& more) {
    if (!text.empty()) text += ", and ";
    text += more;
  }

  // Which accesses would have to be seq_cst for the graph to be forbidden.
  std::string Remedy(const std::vector<int>& events) const {
    std::set<std::string> alone;
    std::set<std::string> together;
    GraphRelations all = relations_;
    for (const int event : events) {
      const GraphMoment& moment = At(event);
      if (moment.order.empty() || moment.order == "plain" ||
          moment.order == "seq_cst") {
        continue;
      }
      const std::string name = moment.site + " " + moment.operation;
      GraphRelations stronger = relations_;
      stronger.Strengthen(event);
      all.Strengthen(event);
      together.insert(name);
      if (Forbids(stronger)) alone.insert(name);
    }
    if (!alone.empty())
      return "forbidden if " + Listed(alone, " or ") + " were seq_cst";
    if (!together.empty() && Forbids(all)) {
      return "forbidden if " + Listed(together, " and ") + " were seq_cst";
    }
    return "";
  }

  bool Forbids(const GraphRelations& stronger) const {
    if (!stronger.Allows(story_.model)) return true;
    return story_.violation.starts_with("race: ") && stronger.FindRace().a < 0;
  }

  static std::string Listed(const std::set<std::string>& names,
                            const char* between) {
    std::string text;
    for (const std::string& name : names) {
      if (!text.empty()) text += between;
      text += name;
    }
    return text;
  }

  const WeakGraph& graph_;
  const GraphStory& story_;
  const GraphRelations relations_;
};

}  // namespace

Explanation Explain(const Tabulator& tables, const WeakGraph& graph,
                    const GraphStory& story) {
  return Explainer(tables, graph, story).Text();
}

}  // namespace netpoll::model
