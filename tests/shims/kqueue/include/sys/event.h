// SPDX-License-Identifier: Apache-2.0
//
// kqueue and kevent for tests on Linux: what the manuals of the systems that
// have them say, as far as the tests need it. Implemented over epoll. What it
// does and what it can't do is at the top of queue.h.

#ifndef NETPOLL_TESTS_SHIMS_KQUEUE_INCLUDE_SYS_EVENT_H_
#define NETPOLL_TESTS_SHIMS_KQUEUE_INCLUDE_SYS_EVENT_H_

#include <stdint.h>
#include <time.h>

// Filters. EVFILT_TIMER has its number only: kevent refuses it.
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EVFILT_USER (-11)

// Actions.
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
// Flags.
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
// Returned values.
#define EV_EOF 0x8000
#define EV_ERROR 0x4000

// fflags of EVFILT_USER.
#define NOTE_TRIGGER 0x01000000

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  intptr_t data;
  void* udata;
};

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_)       \
  ((event)->ident = (uintptr_t)(ident_), (event)->filter = (short)(filter_), \
   (event)->flags = (unsigned short)(flags_),                                \
   (event)->fflags = (unsigned int)(fflags_),                                \
   (event)->data = (intptr_t)(data_), (event)->udata = (udata_))

#ifdef __cplusplus
extern "C" {
#endif

int kqueue(void);
int kevent(int kq, const struct kevent* changelist, int nchanges,
           struct kevent* eventlist, int nevents,
           const struct timespec* timeout);

#ifdef __cplusplus
}
#endif

#endif  // NETPOLL_TESTS_SHIMS_KQUEUE_INCLUDE_SYS_EVENT_H_
