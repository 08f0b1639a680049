// SPDX-License-Identifier: Apache-2.0
//
// What NetBSD before version 10 declares: filters without a sign, the first
// of them 0; udata is an integer; no user events.
// Declarations only, written down by hand, for layout_test.cc.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD_SYS_EVENT_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD_SYS_EVENT_H_

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define EVFILT_READ 0U
#define EVFILT_WRITE 1U
#define EVFILT_TIMER 6U

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_EOF 0x8000
#define EV_ERROR 0x4000

struct kevent {
  uintptr_t ident;
  uint32_t filter;
  uint32_t flags;
  uint32_t fflags;
  int64_t data;
  intptr_t udata;
};

extern "C" {
int kqueue(void);
int kevent(int kq, const struct kevent* changes, size_t change_count,
           struct kevent* events, size_t size, const struct timespec* limit);
}

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD_SYS_EVENT_H_
