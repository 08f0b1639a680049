// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/tests/differential/differential.h"

NETPOLL_DIFFERENTIAL(Epoll, OnSockets<EpollBackend<>>);
