// SPDX-License-Identifier: Apache-2.0
//
// Lets tests of io_uring be skipped, with the reason, where the machine has
// none.

#ifndef NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_
#define NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_

#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

// Null where io_uring works; otherwise why not.
inline const char* WhyNoIoUring() {
  IoUringBackend<> trial;
  const int error = trial.Init();
  return error == 0 ? nullptr : IoUringBackend<>::ExplainInit(error);
}

template <class Backend>
requires requires(int error) { Backend::ExplainInit(error); }
struct Traits<Backend> : DefaultTraits {
  static const char* WhyMissing(int error) {
    return Backend::ExplainInit(error);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IO_URING_AVAILABLE_H_
