// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the IOCP backend with a script: each call can be told to
// return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_IOCP_SCRIPTED_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_IOCP_SCRIPTED_SYS_H_

#include <cstdint>
#include <vector>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/backends/iocp/windows_sys.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

enum class SysCall {
  kCreatePort,
  kAssociate,
  kDequeue,
  kPost,
  kPostFor,
  kFileType,
  kIsSynchronous,
  kIsSystemSocket,
  kSocketType,
  kSkipOnSuccess,
  kCancel,
  kOutcome,
  kReceive,
  kSend,
  kReceiveFrom,
  kSendTo,
  kAccept,
  kConnect,
  kBind,
  kFinishAccept,
  kFinishConnect,
};

// For tests of one thread.
struct Script : ScriptedCalls<SysCall, 1000> {
  std::vector<DWORD> waited_millis;
};

struct ScriptedSys : WindowsSys {
  static Script& script() {
    static Script instance;
    return instance;
  }

  // That was made last.
  static inline HANDLE port = nullptr;

  static int CreatePort(HANDLE* made) {
    const int result =
        script().Do(SysCall::kCreatePort, WindowsSys::CreatePort, made);
    port = *made;
    return result;
  }
  static int Associate(HANDLE port, Fd fd, std::uint64_t key) {
    return script().Do(SysCall::kAssociate, WindowsSys::Associate, port, fd,
                       key);
  }
  static int Dequeue(HANDLE port, OVERLAPPED_ENTRY* entries, ULONG size,
                     DWORD millis) {
    script().waited_millis.push_back(millis);
    return script().Do(SysCall::kDequeue, WindowsSys::Dequeue, port, entries,
                       size, millis);
  }
  static int Post(HANDLE port, std::uint64_t key) {
    return script().Do(SysCall::kPost, WindowsSys::Post, port, key);
  }
  static int PostFor(HANDLE port, std::uint64_t key, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kPostFor, WindowsSys::PostFor, port, key,
                       overlapped);
  }
  static int SocketType(Fd fd) {
    return script().Do(SysCall::kSocketType, WindowsSys::SocketType, fd);
  }
  static int FileType(Fd fd) {
    return script().Do(SysCall::kFileType, WindowsSys::FileType, fd);
  }
  static int IsSynchronous(Fd fd) {
    return script().Do(SysCall::kIsSynchronous, WindowsSys::IsSynchronous, fd);
  }
  static int IsSystemSocket(Fd fd) {
    return script().Do(SysCall::kIsSystemSocket, WindowsSys::IsSystemSocket,
                       fd);
  }
  static int SkipOnSuccess(Fd fd) {
    return script().Do(SysCall::kSkipOnSuccess, WindowsSys::SkipOnSuccess, fd);
  }
  static int Cancel(Fd fd, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kCancel, WindowsSys::Cancel, fd, overlapped);
  }
  static int Outcome(Fd fd, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kOutcome, WindowsSys::Outcome, fd, overlapped);
  }
  static int Receive(Fd fd, void* buffer, ULONG size, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kReceive, WindowsSys::Receive, fd, buffer, size,
                       overlapped);
  }
  static int Send(Fd fd, const void* buffer, ULONG size,
                  OVERLAPPED* overlapped) {
    return script().Do(SysCall::kSend, WindowsSys::Send, fd, buffer, size,
                       overlapped);
  }
  static int ReceiveFrom(Fd fd, void* buffer, ULONG size, sockaddr* from,
                         int* from_size, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kReceiveFrom, WindowsSys::ReceiveFrom, fd,
                       buffer, size, from, from_size, overlapped);
  }
  static int SendTo(Fd fd, const void* buffer, ULONG size, const sockaddr* to,
                    int to_size, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kSendTo, WindowsSys::SendTo, fd, buffer, size,
                       to, to_size, overlapped);
  }
  static int Accept(Fd listener, Fd accepted, void* addresses,
                    DWORD address_size, OVERLAPPED* overlapped) {
    return script().Do(SysCall::kAccept, WindowsSys::Accept, listener, accepted,
                       addresses, address_size, overlapped);
  }
  static int Connect(Fd fd, const sockaddr* address, int size,
                     OVERLAPPED* overlapped) {
    return script().Do(SysCall::kConnect, WindowsSys::Connect, fd, address,
                       size, overlapped);
  }
  static int Bind(Fd fd, const sockaddr* address, int size) {
    return script().Do(SysCall::kBind, WindowsSys::Bind, fd, address, size);
  }
  static int FinishAccept(Fd listener, Fd accepted) {
    return script().Do(SysCall::kFinishAccept, WindowsSys::FinishAccept,
                       listener, accepted);
  }
  static int FinishConnect(Fd fd) {
    return script().Do(SysCall::kFinishConnect, WindowsSys::FinishConnect, fd);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IOCP_SCRIPTED_SYS_H_
