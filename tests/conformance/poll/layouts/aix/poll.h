// SPDX-License-Identifier: Apache-2.0
//
// What AIX declares in <poll.h>, written down by hand.

#ifndef NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_AIX_POLL_H_
#define NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_AIX_POLL_H_

#define POLLIN 0x0001
#define POLLOUT 0x0002
#define POLLPRI 0x0004
#define POLLERR 0x4000
#define POLLHUP 0x2000
#define POLLNVAL 0x8000

struct pollfd {
  int fd;
  unsigned short events;
  unsigned short revents;
};
typedef unsigned long nfds_t;

#ifdef __cplusplus
extern "C"
#endif
    int
    poll(struct pollfd* fds, nfds_t count, int millis);

#endif  // NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_AIX_POLL_H_
