// SPDX-License-Identifier: Apache-2.0
//
// What happened in one execution graph, access by access, and why that is
// possible: the material of its pictures and of its diagnosis.

#ifndef NETPOLL_MODEL_GRAPHS_GRAPH_STORY_H_
#define NETPOLL_MODEL_GRAPHS_GRAPH_STORY_H_

#include <string>
#include <vector>

#include "netpoll/model/graphs/graph_schedule.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

// One access. Others are named by their numbers, which begin at 1; 0 is what
// was there at the start.
struct GraphMoment {
  static constexpr int kNone = -1;

  int thread = 0;
  std::string site;
  std::string place;  // In the source; empty: it is nowhere.
  std::string operation;
  std::string order;   // "seq_cst"; "plain", or empty: it has none.
  std::string object;  // Empty: no object.
  int slot = -1;
  bool reads = false;
  bool writes = false;
  bool failed = false;  // An exchange that did not take place.
  std::string read;
  std::string written;
  int reads_from = kNone;
  int replaces = kNone;   // The write before it in the object's order.
  int overlooks = kNone;  // Another thread's write, right after what it read.
  bool matters = false;   // The diagnosis is about it.
};

struct GraphStory {
  MemoryModel model = MemoryModel::kRc11;
  std::string variant = "shipped";
  std::string scenario;
  std::string about;
  std::vector<std::string> threads;
  std::vector<GraphMoment> moments;
  std::vector<GraphChoice> choices;
  std::vector<std::string> ends;  // How each thread stands in the end.
  std::string violation;          // Empty: no law was broken.
  int task = -1;                  // The thread that the law speaks of.
  std::string sentence;           // The diagnosis.
  std::string why_not;            // It could not be built again: why.

  bool broken() const { return !violation.empty(); }
  std::string ReplayText() const;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_GRAPH_STORY_H_
