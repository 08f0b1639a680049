// SPDX-License-Identifier: Apache-2.0
//
// An execution graph as one short word, which netpoll replay understands:
//
//   ng1:rc11:read-close:3f9a1c07:3ab_a2b:7kq2m
//
//   ng1         the format, with its version
//   rc11        the memory model that allows it
//   read-close  the configuration; ROW/NAME for one of a mutant
//   3f9a1c07    the source that was explored (source.h)
//   3ab_a2b     accesses by their threads, a is the first; a number before one
//               is that many. A capital after it is the branch of a choice (B
//               is the second); for each _ after it, it reads or writes one
//               write further back than the last one so far of its object
//   7kq2m       a checksum of all that comes before it

#ifndef NETPOLL_MODEL_GRAPHS_GRAPH_SCHEDULE_H_
#define NETPOLL_MODEL_GRAPHS_GRAPH_SCHEDULE_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

// One access.
struct GraphChoice {
  int thread = 0;
  int branch = 0;
  int back = 0;  // Writes of its object so far that are later than its own.

  friend bool operator==(const GraphChoice&, const GraphChoice&) = default;
};

struct GraphString {
  MemoryModel model = MemoryModel::kRc11;
  std::string variant = "shipped";
  std::string scenario;
  std::string digest;
  std::vector<GraphChoice> choices;

  std::string Text() const;
  // Empty, or what is wrong with the text.
  static std::string Parse(std::string_view text, GraphString* parsed);
};

// A weaker order as a variant, "~SITE~OPERATION~ORDER", and back; false: it is
// none.
std::string VariantOf(const Weakened& weakened);
bool WeakerVariant(const std::string& variant, Weakened* weakened);

inline bool IsGraphString(std::string_view text) {
  return text.starts_with("ng1:");
}

// The model that is called that; false: none.
bool ModelNamed(std::string_view name, MemoryModel* model);

// The same graph, its events in an order that stays with a thread as long as it
// can, and that still comes after all that it reads.
WeakGraph Tidy(const WeakGraph& graph);

std::vector<GraphChoice> ChoicesOf(const Tabulator& tables,
                                   const WeakGraph& graph);

// Takes the choices one by one. Empty, or why one of them can't be taken.
std::string Rebuild(Tabulator& tables, const std::vector<GraphChoice>& choices,
                    WeakGraph* graph);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_GRAPH_SCHEDULE_H_
