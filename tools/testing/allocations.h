// SPDX-License-Identifier: Apache-2.0
//
// The allocator of a test's program: whoever links this is asked before each
// allocation, by whatever thread and library. Under a sanitizer, which brings a
// malloc of its own, before each `operator new` only.

#ifndef NETPOLL_TOOLS_TESTING_ALLOCATIONS_H_
#define NETPOLL_TOOLS_TESTING_ALLOCATIONS_H_

#include <atomic>

namespace netpoll::tools {

// True refuses the allocation, with ENOMEM. Must not allocate. Null: none is
// refused.
extern std::atomic<bool (*)()> refuses_allocation;

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_TESTING_ALLOCATIONS_H_
