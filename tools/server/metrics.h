// SPDX-License-Identifier: Apache-2.0
//
// What a runtime and a server have counted, as Prometheus reads it: text, one
// family of series after the other, counts that only go up.

#ifndef NETPOLL_TOOLS_SERVER_METRICS_H_
#define NETPOLL_TOOLS_SERVER_METRICS_H_

#include <string>

namespace netpoll {
class Runtime;
}

namespace netpoll::server {

struct Totals;

// What to say that `text` is when it is served.
inline constexpr const char* kMetricsType =
    "text/plain; version=0.0.4; charset=utf-8";

std::string MetricsText(const Runtime& runtime, const Totals& totals);

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_METRICS_H_
