// SPDX-License-Identifier: Apache-2.0
//
// I/O completion ports (Windows): completions, not readiness. The contract is
// in backend.h; the calls whose completions it reports are the runtime's
// (runtime/iocp/iocp_calls.h).
//
// A direction is reported when the operation that was begun in it has ended,
// with success or not: there is nothing to report of a descriptor on which no
// call is under way, and no edge from before Open. Each report is preceded by
// the operation's result.
//
// A packet is one of ours if it carries the address of a call that is under
// way (operation.h), and its descriptor's whole key. Other packets (of calls
// that have ended, or that somebody else made on the handle, or posted to the
// port) are dropped, and their OVERLAPPED is not looked into: it may be gone.
//
// Of a stream a call that succeeds at once posts nothing, and its result is the
// caller's. Of other sockets every call that succeeds posts its packet, and is
// waited for: the mode that leaves packets out is not safe for datagrams, where
// "longer than the buffer" may be told at once and by a packet as well.
//
// The association of a handle with a port can't be undone: after Close a handle
// is refused by Open with EEXIST. Nothing is reported of it any more, since
// nothing is under way on it.
//
// Timeouts are rounded up to milliseconds, as the system counts them: it may
// add a tick of its clock, and it leaves out the time that the machine sleeps.

#ifndef NETPOLL_BACKENDS_IOCP_IOCP_BACKEND_H_
#define NETPOLL_BACKENDS_IOCP_IOCP_BACKEND_H_

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/iocp/iocp_fatal.h"
#include "netpoll/backends/iocp/operation.h"
#include "netpoll/backends/iocp/windows_errors.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/backends/iocp/windows_sys.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/pool.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

static_assert(sizeof(ULONG_PTR) == 8,
              "the completion key must carry the whole event key");

template <class Env = StdEnv, class Sys = WindowsSys>
class IocpBackend {
 public:
  using Operation = IocpOperation<Env>;
  using System = Sys;

  static constexpr const char* kName = "iocp";
  static constexpr BackendTraits kTraits = {};

  IocpBackend() = default;
  IocpBackend(const IocpBackend&) = delete;
  IocpBackend& operator=(const IocpBackend&) = delete;

  // No operation may be under way: the system would write into what is freed.
  ~IocpBackend() {
    for (std::uint32_t i = 0; i < operations_.Size(); ++i) {
      if (operations_.Find(i)->in_flight()) {
        Env::Misuse("a Poller was destroyed while an operation was under way");
      }
    }
    if (port_ != nullptr) Sys::Close(port_);
  }

  // As elsewhere, where a handle that is not for overlapped calls counts as
  // blocking; and ENOTSOCK what is no socket, EOPNOTSUPP a socket of a layered
  // provider, whose completions can't be told.
  static int CheckPollable(Fd fd) {
    const int type = Sys::FileType(fd);
    if (type < 0) return ErrnoOfWindows(-type);
    if (type == FILE_TYPE_DISK) return EPERM;
    const int synchronous = Sys::IsSynchronous(fd);
    if (synchronous > 0) return EINVAL;
    const int system = Sys::IsSystemSocket(fd);
    if (system < 0) return ErrnoOfWindows(-system);
    return system == 0 ? EOPNOTSUPP : ErrnoOfWindows(-synchronous);
  }

  int Init() { return ErrnoOfWindows(-Sys::CreatePort(&port_)); }

  int Open(Fd fd, EventKey key) {
    // First, since the association is for good.
    const int posts = PostsSuccess(fd);
    if (posts < 0) return ErrnoOfWindows(-posts);
    const int skip = posts == 0 ? Sys::SkipOnSuccess(fd) : 0;
    if (skip < 0) return ErrnoOfWindows(-skip);
    const int associated = Sys::Associate(port_, fd, key.bits());
    if (associated == -ERROR_INVALID_PARAMETER) {
      // It says that of a handle that has a port, and of one that can't.
      return Sys::IsSynchronous(fd) > 0 ? EINVAL : EEXIST;
    }
    return ErrnoOfWindows(-associated);
  }

  // There is nothing to tell the system: it holds operations, not
  // descriptors, and those were given back before.
  int Close(Fd, EventKey) { return 0; }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    OVERLAPPED_ENTRY entries[kBatch];
    const int count = Wait(delta, entries);
    for (int i = 0; i < count; ++i) {
      const EventKey key = EventKey::FromBits(entries[i].lpCompletionKey);
      if (key == kWakeKey && entries[i].lpOverlapped == nullptr) {
        TakeWake(delta);
      } else {
        Deliver(key, entries[i], sink);
      }
    }
  }

  void Break() {
    if (token_.Request()) PostWake();
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const {
    return port_ != nullptr && fd == reinterpret_cast<Fd>(port_);
  }

  // --- Operations -----------------------------------------------------------

  // An operation for one direction of the descriptor that is open under `key`,
  // or null when there is no memory. Any thread; does not block.
  Operation* NewOperation(EventKey key, Mode direction) {
    Operation* const operation = operations_.Allocate();
    if (operation != nullptr) operation->Assign(key, direction);
    return operation;
  }

  // Gives it back; before its descriptor is closed, and not under way.
  void FreeOperation(Operation* operation) {
    if (operation->in_flight()) {
      Env::Misuse("an operation was given back while it was under way");
    }
    if (operation->done()) operation->Take();
    operations_.Free(operation);
  }

  // 1: a call of `fd` that succeeds at once posts a packet all the same; 0: it
  // does not; or minus the system's error.
  static int PostsSuccess(Fd fd) {
    const int type = Sys::SocketType(fd);
    // Of what is no socket, the calls that follow have their say.
    if (type == -WSAENOTSOCK) return 0;
    return type < 0 ? type : type != SOCK_STREAM;
  }

  // The call that was begun has ended at once with `error`, and the system may
  // have posted a packet, or not: one of ours follows, so that its end is a
  // packet in any case. It is behind the system's own, and before those of
  // later calls. False: the port takes none, and nothing is to be waited for.
  bool PostEnd(Operation* operation, int error) {
    operation->EndedAtOnce(error);
    return Sys::PostFor(port_, operation->key().bits(),
                        operation->overlapped()) >= 0;
  }

  // Asks for the end of an operation under way. Its completion must be waited
  // for all the same, and may still say that it succeeded.
  void Cancel(Fd fd, Operation* operation) {
    const int result = Sys::Cancel(fd, operation->overlapped());
    // Not found: it has ended, and its packet is on the way.
    if (result == 0 || result == -ERROR_NOT_FOUND) return;
    FatalWindowsCall("CancelIoEx on a socket with an operation under way",
                     -result);
  }

 private:
  static constexpr int kBatch = 64;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);

  int Wait(Delta delta, OVERLAPPED_ENTRY* entries) {
    const DWORD millis = delta.forever()
                             ? INFINITE
                             : static_cast<DWORD>(delta.ToMillisecondsCeil());
    const int count = Sys::Dequeue(port_, entries, kBatch, millis);
    if (count >= 0) return count;
    if (count == -WAIT_TIMEOUT) return 0;
    FatalWindowsCall("GetQueuedCompletionStatusEx on the poller's own port",
                     -count);
  }

  // The packet is out of the port already, so a poll that does not block puts
  // it back for the one that does.
  void TakeWake(Delta delta) {
    if (delta.blocking()) {
      token_.Clear();
    } else {
      PostWake();
    }
  }

  void PostWake() {
    const int result = Sys::Post(port_, kWakeKey.bits());
    if (result >= 0) return;
    token_.Retract();
    FatalWindowsCall("PostQueuedCompletionStatus on the poller's own port",
                     -result);
  }

  // Also what failed: an operation ends once, however it ends.
  template <class Sink>
  void Deliver(EventKey key, const OVERLAPPED_ENTRY& entry, Sink& sink) {
    for (std::uint32_t call = 0; call < Operation::kCalls; ++call) {
      Operation* const operation =
          operations_.FindAt(Operation::OperationOf(entry.lpOverlapped, call));
      if (operation == nullptr) continue;
      const auto ended =
          operation->Complete(key, call, entry.dwNumberOfBytesTransferred);
      if (ended) sink.Ready(key, *ended, EventFlags{});
      return;
    }
  }

  HANDLE port_ = nullptr;
  WakeToken<Env> token_;
  Pool<Env, Operation> operations_;
};

static_assert(PollerBackend<IocpBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_IOCP_BACKEND_H_
