// SPDX-License-Identifier: Apache-2.0
//
// How an access to shared memory is named: by its site, and by its memory
// order.

#ifndef NETPOLL_CORE_ACCESS_H_
#define NETPOLL_CORE_ACCESS_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>

namespace netpoll {

// Names one access in the source, e.g. "commit.word". Unique per access, short,
// stable: traces and mutants are written in these names.
struct Site {
  const char* name;
  constexpr Site(const char* site_name) : name(site_name) {}  // NOLINT
};

enum class Order : std::uint8_t {
  kRelaxed,
  kAcquire,
  kRelease,
  kAcqRel,
  kSeqCst
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_ACCESS_H_
