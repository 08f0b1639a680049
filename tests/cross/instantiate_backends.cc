// SPDX-License-Identifier: Apache-2.0
// The backends of POSIX systems, instantiated whole.
#include "netpoll/backends/backend.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"

namespace netpoll {

using KqueueWithPipe = KqueueBackend<StdEnv, KqueueSys, PipeWaker>;
using FoldedKqueue = KqueueBackend<StdEnv, KqueueSys, UserEventWaker, 32>;

template class EpollBackend<>;
template class IoUringBackend<>;
template class PollBackend<>;
template class KqueueBackend<>;
template class KqueueBackend<StdEnv, KqueueSys, PipeWaker>;
template class KqueueBackend<StdEnv, KqueueSys, UserEventWaker, 32>;
template class EventPortsBackend<>;

template void EpollBackend<>::Poll(Delta, NullSink&);
template void IoUringBackend<>::Poll(Delta, NullSink&);
template void PollBackend<>::Poll(Delta, NullSink&);
template void KqueueBackend<>::Poll(Delta, NullSink&);
template void KqueueWithPipe::Poll(Delta, NullSink&);
template void FoldedKqueue::Poll(Delta, NullSink&);
template void EventPortsBackend<>::Poll(Delta, NullSink&);

template class Poller<EpollBackend<>>;
template class Poller<IoUringBackend<>>;
template class Poller<KqueueBackend<>>;

}  // namespace netpoll
