// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the kqueue backend on kernels that differ from their
// manuals: see the shim's quirks.h.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_QUIRKY_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_QUIRKY_SYS_H_

#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/tests/shims/kqueue/quirks.h"

namespace netpoll::conformance {

template <const shim::Quirks& quirks>
struct QuirkySys : KqueueSys {
  static int Kqueue() {
    const int kq = KqueueSys::Kqueue();
    shim::SetQuirks(kq, quirks);
    return kq;
  }
};

using OldNetBsdSys = QuirkySys<shim::kOldNetBsd>;
using FreeBsdSys = QuirkySys<shim::kFreeBsd>;

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_QUIRKY_SYS_H_
