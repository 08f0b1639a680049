// SPDX-License-Identifier: Apache-2.0
//
// What a report of the system means: what each backend's NAME_events.h decodes
// it to, and what Sink::Ready takes.

#ifndef NETPOLL_BACKENDS_REPORT_H_
#define NETPOLL_BACKENDS_REPORT_H_

#include "netpoll/core/types.h"

namespace netpoll {

struct EventReport {
  Mode mode{};  // No direction at all: nothing of a descriptor's.
  EventFlags flags{};
};

constexpr Mode ModeOf(bool read, bool write) {
  return static_cast<Mode>((read ? 1 : 0) | (write ? 2 : 0));
}
static_assert(ModeOf(true, true) == Mode::kReadWrite);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_REPORT_H_
