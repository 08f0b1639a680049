// SPDX-License-Identifier: Apache-2.0
//
// What NetBSD declares in <poll.h>, written down by hand.

#ifndef NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_NETBSD_POLL_H_
#define NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_NETBSD_POLL_H_

#define POLLIN 0x0001
#define POLLPRI 0x0002
#define POLLOUT 0x0004
#define POLLERR 0x0008
#define POLLHUP 0x0010
#define POLLNVAL 0x0020

struct pollfd {
  int fd;
  short events;
  short revents;
};
typedef unsigned int nfds_t;

#ifdef __cplusplus
extern "C"
#endif
    int
    poll(struct pollfd* fds, nfds_t count, int millis);

#endif  // NETPOLL_TESTS_CONFORMANCE_POLL_LAYOUTS_NETBSD_POLL_H_
