// SPDX-License-Identifier: Apache-2.0
//
// Graphs told: those that a search found, and those that a string describes.

#ifndef NETPOLL_MODEL_GRAPHS_TELL_GRAPH_H_
#define NETPOLL_MODEL_GRAPHS_TELL_GRAPH_H_

#include <string>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/graphs/graph_story.h"

namespace netpoll::model {

// Of a graph that a search found.
GraphStory TellGraph(Tabulator& tables, const WeakGraph& graph,
                     MemoryModel model, const std::string& violation);

// Of a string: built anew, judged anew.
GraphStory TellGraphAgain(const std::string& variant, const Scenario& scenario,
                          const GraphString& string);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_TELL_GRAPH_H_
