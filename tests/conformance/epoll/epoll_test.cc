// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <cerrno>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/epoll/linux_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/tests/conformance/conformance.h"

namespace netpoll::conformance {

// A kernel before 5.11.
struct WithoutPwait2 : LinuxSys {
  static int EpollPwait2(int, epoll_event*, int, const timespec*) {
    return -ENOSYS;
  }
};

NETPOLL_CONFORMANCE(Epoll, EpollBackend<>);
NETPOLL_CONFORMANCE(EpollInMilliseconds, EpollBackend<StdEnv, WithoutPwait2>);

}  // namespace netpoll::conformance
