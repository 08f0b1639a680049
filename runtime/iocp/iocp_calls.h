// SPDX-License-Identifier: Apache-2.0
//
// The calls whose ends the IOCP backend reports, and how a task goes through
// one of them.
//
//   error = poller.Reset(desc, direction);        // deadline, closing?
//   started = IocpReceive(poller.backend(), fd, operation, buffer, size);
//   if (!started.pending) that is the result; else
//     error = IocpAwait(poller, desc, operation, wait)
//     result = IocpFinish(poller.backend(), fd, operation, error)
//
// The buffer belongs to the system from the start of a call until IocpAwait
// returns. One call at a time per operation.

#ifndef NETPOLL_RUNTIME_IOCP_IOCP_CALLS_H_
#define NETPOLL_RUNTIME_IOCP_IOCP_CALLS_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/iocp/windows_errors.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

// How a call began: under way, or ended at once as `result` says.
struct IocpStarted {
  bool pending = false;
  IoResult result;
};

// Where AcceptEx writes both addresses, each with the room that it asks for.
struct IocpAcceptBuffer {
  static constexpr DWORD kAddressSize = sizeof(sockaddr_storage) + 16;
  alignas(8) char addresses[2 * kAddressSize];
};

// Where a datagram came from. The system writes it when the receive ends.
struct IocpAddress {
  sockaddr_storage address;
  int size = sizeof(sockaddr_storage);
};

namespace iocp_internal {

// What one call moves at most; the rest is for the next.
inline constexpr std::size_t kMostBytes = std::size_t{1} << 30;

// What a call says at once though the system may post its packet too: to it
// these are warnings, not errors.
constexpr bool MayBePosted(int value) {
  return value == -WSAEMSGSIZE || value == -ERROR_MORE_DATA;
}

// An error of Windows'.
constexpr IoResult Failed(int error) {
  return {.status = IoStatus::FromErrno(ErrnoOfWindows(error))};
}

// Begins the operation, then `call`s with its OVERLAPPED.
template <class Backend, class Call>
IocpStarted Start(Backend& backend, Fd fd,
                  typename Backend::Operation* operation, Call call) {
  const int posts =
      operation->PostsSuccess([fd] { return Backend::PostsSuccess(fd); });
  if (posts < 0) return {.result = Failed(-posts)};
  operation->Begin();
  const int value = call(operation->overlapped());
  // From here on the poller may complete it: it is touched only if not.
  if (value == -WSA_IO_PENDING) return {.pending = true};
  if (value >= 0 && posts != 0) return {.pending = true};
  // Where every call's end is a packet, packets come in the order of the calls:
  // an earlier one's is never behind a later one's.
  if (value < 0 && (posts != 0 || MayBePosted(value)) &&
      backend.PostEnd(operation, -value)) {
    return {.pending = true};
  }
  operation->Abandon();
  if (value < 0) return {.result = Failed(-value)};
  return {.result = {.bytes = static_cast<std::size_t>(value)}};
}

}  // namespace iocp_internal

// Errors: those of the system's call, as errnos. None of these blocks.

template <class Backend>
IocpStarted IocpReceive(Backend& backend, Fd fd,
                        typename Backend::Operation* operation, void* buffer,
                        std::size_t size) {
  const auto most =
      static_cast<ULONG>(std::min(size, iocp_internal::kMostBytes));
  return iocp_internal::Start(
      backend, fd, operation, [=](OVERLAPPED* overlapped) {
        return Backend::System::Receive(fd, buffer, most, overlapped);
      });
}

template <class Backend>
IocpStarted IocpSend(Backend& backend, Fd fd,
                     typename Backend::Operation* operation, const void* buffer,
                     std::size_t size) {
  const auto most =
      static_cast<ULONG>(std::min(size, iocp_internal::kMostBytes));
  return iocp_internal::Start(
      backend, fd, operation, [=](OVERLAPPED* overlapped) {
        return Backend::System::Send(fd, buffer, most, overlapped);
      });
}

// One datagram; EMSGSIZE when it is longer than the buffer, which has its
// beginning then. `from` belongs to the system as long as the buffer does.
template <class Backend>
IocpStarted IocpReceiveFrom(Backend& backend, Fd fd,
                            typename Backend::Operation* operation,
                            void* buffer, std::size_t size, IocpAddress* from) {
  const auto most =
      static_cast<ULONG>(std::min(size, iocp_internal::kMostBytes));
  from->size = sizeof(from->address);
  return iocp_internal::Start(
      backend, fd, operation, [=](OVERLAPPED* overlapped) {
        return Backend::System::ReceiveFrom(
            fd, buffer, most, reinterpret_cast<sockaddr*>(&from->address),
            &from->size, overlapped);
      });
}

template <class Backend>
IocpStarted IocpSendTo(Backend& backend, Fd fd,
                       typename Backend::Operation* operation,
                       const void* buffer, std::size_t size, const sockaddr* to,
                       int to_size) {
  const auto most =
      static_cast<ULONG>(std::min(size, iocp_internal::kMostBytes));
  return iocp_internal::Start(backend, fd, operation,
                              [=](OVERLAPPED* overlapped) {
                                return Backend::System::SendTo(
                                    fd, buffer, most, to, to_size, overlapped);
                              });
}

// In the reading direction of `listener`. `accepted` is a new socket of the
// listener's kind; once the operation has ended well, IocpFinishAccept makes
// it a whole one.
template <class Backend>
IocpStarted IocpAccept(Backend& backend, Fd listener,
                       typename Backend::Operation* operation, Fd accepted,
                       IocpAcceptBuffer* buffer) {
  return iocp_internal::Start(
      backend, listener, operation, [=](OVERLAPPED* overlapped) {
        return Backend::System::Accept(listener, accepted, buffer->addresses,
                                       IocpAcceptBuffer::kAddressSize,
                                       overlapped);
      });
}

template <class Backend>
int IocpFinishAccept(Backend&, Fd listener, Fd accepted) {
  return ErrnoOfWindows(-Backend::System::FinishAccept(listener, accepted));
}

// In the writing direction. Binds `fd` to any local address unless it is bound;
// once the operation has ended well, IocpFinishConnect makes it a whole one.
template <class Backend>
IocpStarted IocpConnect(Backend& backend, Fd fd,
                        typename Backend::Operation* operation,
                        const sockaddr* address, int size) {
  sockaddr_storage any{};
  any.ss_family = address->sa_family;
  const int bound =
      Backend::System::Bind(fd, reinterpret_cast<sockaddr*>(&any), size);
  if (bound < 0 && bound != -WSAEINVAL) {
    return {.result = iocp_internal::Failed(-bound)};
  }
  return iocp_internal::Start(
      backend, fd, operation, [=](OVERLAPPED* overlapped) {
        return Backend::System::Connect(fd, address, size, overlapped);
      });
}

template <class Backend>
int IocpFinishConnect(Backend&, Fd fd) {
  return ErrnoOfWindows(-Backend::System::FinishConnect(fd));
}

// Waits for the end of an operation under way; a deadline or a close cancels it
// and waits on. `wait(kind)` is the scheduler's: it goes through Prepare,
// Commit and Finish of the operation's direction with `kind` until there is
// nothing to park for, and returns the error. What it returns here is what
// asked for the end, if anything did.
template <class Poller, class Desc, class Operation, class Wait>
PollError IocpAwait(Poller& poller, Desc* desc, Operation* operation,
                    Wait wait) {
  PollError asked = PollError::kNone;
  for (;;) {
    const PollError error = wait(
        asked == PollError::kNone ? WaitKind::kOrError : WaitKind::kUntilReady);
    if (error != PollError::kNone) {
      asked = error;
      poller.backend().Cancel(desc->fd(), operation);
    } else if (operation->done()) {
      // Otherwise a wake-up of an earlier incarnation, which counts for
      // nothing.
      return asked;
    }
  }
}

// The result of an operation that has ended: what it moved wins over `asked`.
template <class Backend>
IoResult IocpFinish(Backend&, Fd fd, typename Backend::Operation* operation,
                    PollError asked) {
  const int at_once = operation->ended_at_once();
  const int outcome =
      at_once != 0 ? -at_once
                   : Backend::System::Outcome(fd, operation->overlapped());
  const std::uint32_t bytes = operation->Take();
  if (outcome == 0) return {.bytes = bytes};
  if (outcome == -WSA_OPERATION_ABORTED && asked != PollError::kNone) {
    return {.status = IoStatus::FromPoll(asked)};
  }
  return iocp_internal::Failed(-outcome);
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_IOCP_IOCP_CALLS_H_
