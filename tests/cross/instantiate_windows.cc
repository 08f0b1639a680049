// SPDX-License-Identifier: Apache-2.0
// Every template of the backend and of what it needs of the core, instantiated,
// without exceptions and RTTI.
#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/operation.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/wake_token.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"

namespace netpoll {

IoResult UseEveryCall(Poller<IocpBackend<>>&, PollDesc<StdEnv>*,
                      IocpOperation<StdEnv>*, const sockaddr*,
                      IocpAcceptBuffer*);

template class IocpOperation<StdEnv>;
template class IocpBackend<StdEnv, WindowsSys>;
template class SleepProtocol<StdEnv>;
template class DescriptorLock<StdEnv>;
template class WakeToken<StdEnv>;

// A task's way through each call.
IoResult UseEveryCall(Poller<IocpBackend<>>& poller, PollDesc<StdEnv>* desc,
                      IocpOperation<StdEnv>* operation, const sockaddr* address,
                      IocpAcceptBuffer* buffer) {
  auto& backend = poller.backend();
  const Fd fd = desc->fd();
  IocpReceive(backend, fd, operation, buffer, sizeof(*buffer));
  IocpSend(backend, fd, operation, buffer, sizeof(*buffer));
  IocpAddress from;
  IocpReceiveFrom(backend, fd, operation, buffer, sizeof(*buffer), &from);
  IocpSendTo(backend, fd, operation, buffer, sizeof(*buffer), address,
             sizeof(*address));
  IocpAccept(backend, fd, operation, fd, buffer);
  IocpFinishAccept(backend, fd, fd);
  IocpConnect(backend, fd, operation, address, sizeof(*address));
  IocpFinishConnect(backend, fd);
  return IocpFinish(
      backend, fd, operation,
      IocpAwait(poller, desc, operation, [&](WaitKind kind) {
        return poller.Finish(desc, operation->direction(), kind).error;
      }));
}

}  // namespace netpoll
