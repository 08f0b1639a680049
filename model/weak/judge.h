// SPDX-License-Identifier: Apache-2.0
//
// The laws, asked of graphs (weak_search.h says which), and graphs as others
// see them.

#ifndef NETPOLL_MODEL_WEAK_JUDGE_H_
#define NETPOLL_MODEL_WEAK_JUDGE_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/stepper.h"
#include "netpoll/model/weak/grower.h"

namespace netpoll::model {

class Judge {
 public:
  explicit Judge(Grower& grower)
      : grower_(grower),
        tables_(grower.tables()),
        stepper_(tables_, tables_.thread_count() + kSlots) {}

  // An event that was added last, its write placed. False: it breaks a law.
  bool Accepts(const EventGraph& graph, int event);
  // Whether nothing more must happen.
  bool Rests(const EventGraph& graph);
  // Whether all threads have ended.
  bool Ended(const EventGraph& graph) const;
  // A graph at rest. False: it breaks a law.
  bool AcceptsRest(const EventGraph& graph);

  const std::string& violation() const { return violation_; }
  // What the violation takes: the events that are in it.
  const EventSet& guilty() const { return guilty_; }
  void Forget() { violation_.clear(); }

 private:
  static constexpr int kSlots = 128;

  bool Break(const std::string& law, const EventSet& guilty) {
    if (violation_.empty()) {
      violation_ = law;
      guilty_ = guilty;
    }
    return false;
  }
  bool BreaksNoRace(const EventGraph& graph, int event);
  bool AcceptsOneOrder(const EventGraph& graph);
  // The state that those events lead to.
  const Value* StateOf(const EventGraph& graph, const EventSet& events);

  Grower& grower_;
  Tabulator& tables_;
  Stepper stepper_;
  std::vector<Value> state_;
  std::string violation_;
  EventSet guilty_;
};

// One that tells of itself, of the events in `events`; a text that is the same
// for the same graph, whatever the order in which it grew, of those that took
// place.
WeakGraph Told(const EventGraph& graph, const EventSet& events,
               const Tabulator& tables);
std::string Digest(const EventGraph& graph);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_JUDGE_H_
