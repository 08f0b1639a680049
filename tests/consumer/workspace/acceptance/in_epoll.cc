// SPDX-License-Identifier: Apache-2.0
//
// An epoll of the program's own, which watches that of the poller.
#include <sys/epoll.h>

#include "loop.h"

int main() {
  const int own = ::epoll_create1(EPOLL_CLOEXEC);
  int watches = -1;
  Loop().Go([&](int descriptor, int milliseconds) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    if (watches < 0) {
      Check(::epoll_ctl(own, EPOLL_CTL_ADD, descriptor, &event) == 0, "add");
      watches = descriptor;
    }
    return ::epoll_wait(own, &event, 1, milliseconds) == 1;
  });
  ::close(own);
}
