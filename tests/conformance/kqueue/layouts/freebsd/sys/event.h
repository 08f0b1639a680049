// SPDX-License-Identifier: Apache-2.0
//
// What FreeBSD declares since version 12: fields of its own at the end.
// Declarations only, written down by hand, for layout_test.cc.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_FREEBSD_SYS_EVENT_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_FREEBSD_SYS_EVENT_H_

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EVFILT_USER (-11)
#define NOTE_TRIGGER 0x01000000

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
  short filter;
  unsigned short flags;
  unsigned int fflags;
  int64_t data;
  void* udata;
  uint64_t ext[4];
};

extern "C" {
int kqueue(void);
int kevent(int kq, const struct kevent* changes, int change_count,
           struct kevent* events, int size, const struct timespec* limit);
}

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_LAYOUTS_FREEBSD_SYS_EVENT_H_
