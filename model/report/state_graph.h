// SPDX-License-Identifier: Apache-2.0
//
// The explored graph of a small configuration as a drawing: a dot for each
// state, below each other by how many steps lead there, a line for each step.

#ifndef NETPOLL_MODEL_REPORT_STATE_GRAPH_H_
#define NETPOLL_MODEL_REPORT_STATE_GRAPH_H_

#include <string>
#include <string_view>

#include "netpoll/model/engine/scenario.h"

namespace netpoll::model {

// SVG, to stand alone, or in a page that has the style; empty if there are more
// states than can be drawn.
std::string StateGraphSvg(const Scenario& scenario, bool alone);
std::string_view StateGraphStyle();

inline constexpr int kMostDrawnStates = 220;

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_STATE_GRAPH_H_
