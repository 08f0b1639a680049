// SPDX-License-Identifier: Apache-2.0
//
// An execution graph, drawn.

#ifndef NETPOLL_MODEL_GRAPHS_GRAPH_PICTURES_H_
#define NETPOLL_MODEL_GRAPHS_GRAPH_PICTURES_H_

#include <string>

#include "netpoll/model/graphs/graph_story.h"

namespace netpoll::model {

// One line an access, a lane a thread; behind a read what it took, and what it
// overlooked.
std::string GraphLanes(const GraphStory& story, int width);

// A flowchart: threads from top to bottom; what is read from whom, whose write
// comes next, and what was overlooked as arrows.
std::string GraphMermaid(const GraphStory& story);

// The same as a page with nothing outside it.
std::string GraphHtmlPage(const GraphStory& story);

// Diagnosis, lanes and replay string.
std::string GraphCounterexample(const GraphStory& story, int width);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_GRAPH_PICTURES_H_
