// SPDX-License-Identifier: Apache-2.0
//
// What `netpoll top` shows: the difference of two answers to /metrics, as text
// or as JSON. Pure.

#ifndef NETPOLL_TOOLS_CLI_TOP_VIEW_H_
#define NETPOLL_TOOLS_CLI_TOP_VIEW_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace netpoll::tools {

// The samples of one answer, by their whole name: `netpoll_tasks`,
// `netpoll_polls_total{worker="0"}`.
using Samples = std::map<std::string, double, std::less<>>;

// Nothing if that is no text of Prometheus, or not of a netpoll server.
std::optional<Samples> ParseMetrics(std::string_view text);

// `seconds` lie between the two. `target` is what was asked.
std::string TopText(const std::string& target, const Samples& before,
                    const Samples& after, double seconds);
std::string TopJson(const Samples& before, const Samples& after,
                    double seconds);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_TOP_VIEW_H_
