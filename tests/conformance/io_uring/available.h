// SPDX-License-Identifier: Apache-2.0
//
// Lets tests of io_uring be skipped, with the reason, where the machine has
// none.

#ifndef NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_
#define NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_

#include "netpoll/backends/backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

// Null unless the machine has no io_uring; other errors of Init are failures.
inline const char* WhyNoIoUring(int error) {
  return IsUnavailable(error) ? IoUringBackend<>::ExplainInit(error) : nullptr;
}
inline const char* WhyNoIoUring() {
  IoUringBackend<> trial;
  return WhyNoIoUring(trial.Init());
}

template <class Backend>
requires requires(int error) { Backend::ExplainInit(error); }
struct Traits<Backend> : DefaultTraits {
  static const char* WhyMissing(int error) { return WhyNoIoUring(error); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_
