// SPDX-License-Identifier: Apache-2.0
//
// Every backend prints what the reference model prints; kqueue and event ports
// over shims of their system calls.
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/tests/differential/differential.h"

NETPOLL_DIFFERENTIAL(Epoll, OnSockets<EpollBackend<>>);
NETPOLL_DIFFERENTIAL(IoUring, OnSockets<IoUringBackend<>>);
NETPOLL_DIFFERENTIAL(Poll, OnSockets<PollBackend<>>);
NETPOLL_DIFFERENTIAL(Kqueue, OnSockets<KqueueBackend<>>);
NETPOLL_DIFFERENTIAL(EventPorts, OnSockets<EventPortsBackend<>>);
