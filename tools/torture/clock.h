// SPDX-License-Identifier: Apache-2.0
//
// The clock of whoever judges: asked of the system itself, past whatever stands
// between the library and its clock (faulty_calls.h).

#ifndef NETPOLL_TOOLS_TORTURE_CLOCK_H_
#define NETPOLL_TOOLS_TORTURE_CLOCK_H_

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace netpoll::torture {

// CLOCK_MONOTONIC, in nanoseconds.
inline std::int64_t TrueNow() {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_CLOCK_H_
