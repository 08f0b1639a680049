// SPDX-License-Identifier: Apache-2.0
//
// What NetBSD 10 declares: filters and flags without a sign, the first filter
// 0; udata is a pointer; user events.
// Declarations only, written down by hand, for layout_test.cc.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD10_SYS_EVENT_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD10_SYS_EVENT_H_

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define EVFILT_READ 0U
#define EVFILT_WRITE 1U
#define EVFILT_TIMER 6U
#define EVFILT_USER 8U
#define NOTE_TRIGGER 0x01000000U

#define EV_ADD 0x0001U
#define EV_DELETE 0x0002U
#define EV_ENABLE 0x0004U
#define EV_DISABLE 0x0008U
#define EV_ONESHOT 0x0010U
#define EV_CLEAR 0x0020U
#define EV_EOF 0x8000U
#define EV_ERROR 0x4000U

struct kevent {
  uintptr_t ident;
  uint32_t filter;
  uint32_t flags;
  uint32_t fflags;
  int64_t data;
  void* udata;
};

extern "C" {
int kqueue(void);
int kevent(int kq, const struct kevent* changes, size_t change_count,
           struct kevent* events, size_t size, const struct timespec* limit);
}

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_NETBSD10_SYS_EVENT_H_
