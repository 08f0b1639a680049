// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the IOCP backend, one by one, so that a test can let each
// of them fail. Each returns a value >= 0, or minus the system's error.

#ifndef NETPOLL_BACKENDS_IOCP_WINDOWS_SYS_H_
#define NETPOLL_BACKENDS_IOCP_WINDOWS_SYS_H_

#include <cstdint>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/types.h"

// In ntdll since Windows NT; <winternl.h> of MinGW leaves it out.
extern "C" NTSTATUS NTAPI NtQueryInformationFile(HANDLE, PIO_STATUS_BLOCK,
                                                 PVOID, ULONG,
                                                 FILE_INFORMATION_CLASS);

namespace netpoll {

struct WindowsSys {
  static HANDLE ToHandle(Fd fd) { return reinterpret_cast<HANDLE>(fd); }
  static int Result(bool success) {
    return success ? 0 : -static_cast<int>(::GetLastError());
  }
  static int SocketResult(bool success) {
    return success ? 0 : -::WSAGetLastError();
  }

  // --- The port -------------------------------------------------------------

  static int CreatePort(HANDLE* port) {
    *port =
        ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, ~DWORD{0});
    return Result(*port != nullptr);
  }
  static int Associate(HANDLE port, Fd fd, std::uint64_t key) {
    return Result(::CreateIoCompletionPort(ToHandle(fd), port, key, 0) != 0);
  }
  // The number of entries; -WAIT_TIMEOUT when the time is over.
  static int Dequeue(HANDLE port, OVERLAPPED_ENTRY* entries, ULONG size,
                     DWORD millis) {
    ULONG count = 0;
    if (!::GetQueuedCompletionStatusEx(port, entries, size, &count, millis,
                                       FALSE)) {
      return Result(false);
    }
    return static_cast<int>(count);
  }
  static int Post(HANDLE port, std::uint64_t key) {
    return Result(::PostQueuedCompletionStatus(port, 0, key, nullptr));
  }
  // As if a call with that OVERLAPPED had ended.
  static int PostFor(HANDLE port, std::uint64_t key, OVERLAPPED* overlapped) {
    return Result(::PostQueuedCompletionStatus(port, 0, key, overlapped));
  }
  static void Close(HANDLE port) { ::CloseHandle(port); }

  // --- Descriptors ----------------------------------------------------------

  // Whether `fd` is an open handle, and of which kind (FILE_TYPE_...).
  static int FileType(Fd fd) {
    // Pseudo-handles of the process and its threads answer like real ones.
    if (fd == 0 || static_cast<std::intptr_t>(fd) < 0) {
      return -ERROR_INVALID_HANDLE;
    }
    DWORD flags = 0;
    if (!::GetHandleInformation(ToHandle(fd), &flags)) return Result(false);
    return static_cast<int>(::GetFileType(ToHandle(fd)));
  }
  // 1: opened for calls that block (not for overlapped ones).
  static int IsSynchronous(Fd fd) {
    constexpr auto kModeInformation = static_cast<FILE_INFORMATION_CLASS>(16);
    constexpr ULONG kSynchronous = 0x10 | 0x20;  // Alertable, or not.
    IO_STATUS_BLOCK block{};
    ULONG mode = 0;
    const NTSTATUS status = ::NtQueryInformationFile(
        ToHandle(fd), &block, &mode, sizeof(mode), kModeInformation);
    if (status < 0) return -static_cast<int>(::RtlNtStatusToDosError(status));
    return (mode & kSynchronous) != 0 ? 1 : 0;
  }
  // 1: the socket's handle is the system's own; 0: a provider's above it.
  static int IsSystemSocket(Fd fd) {
    WSAPROTOCOL_INFOW info{};
    int size = sizeof(info);
    if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL_INFOW,
                     reinterpret_cast<char*>(&info), &size) != 0) {
      return SocketResult(false);
    }
    return (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0 ? 1 : 0;
  }
  // SOCK_STREAM, SOCK_DGRAM, ...
  static int SocketType(Fd fd) {
    int type = 0;
    int size = sizeof(type);
    const int result = ::getsockopt(fd, SOL_SOCKET, SO_TYPE,
                                    reinterpret_cast<char*>(&type), &size);
    return result == 0 ? type : SocketResult(false);
  }
  // What succeeds at once posts nothing. Not for datagrams.
  static int SkipOnSuccess(Fd fd) {
    return Result(::SetFileCompletionNotificationModes(
        ToHandle(fd), FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
  }

  // --- Operations: bytes, or -WSA_IO_PENDING, or minus another error --------

  static int Cancel(Fd fd, OVERLAPPED* overlapped) {
    return Result(::CancelIoEx(ToHandle(fd), overlapped));
  }
  // Of an operation that has ended: 0, or minus its error.
  static int Outcome(Fd fd, OVERLAPPED* overlapped) {
    DWORD bytes = 0;
    DWORD flags = 0;
    return SocketResult(
        ::WSAGetOverlappedResult(fd, overlapped, &bytes, FALSE, &flags));
  }
  static int Receive(Fd fd, void* buffer, ULONG size, OVERLAPPED* overlapped) {
    WSABUF part{size, static_cast<char*>(buffer)};
    DWORD bytes = 0;
    DWORD flags = 0;
    if (::WSARecv(fd, &part, 1, &bytes, &flags, overlapped, nullptr) != 0) {
      return SocketResult(false);
    }
    return static_cast<int>(bytes);
  }
  static int Send(Fd fd, const void* buffer, ULONG size,
                  OVERLAPPED* overlapped) {
    WSABUF part{size, static_cast<char*>(const_cast<void*>(buffer))};
    DWORD bytes = 0;
    if (::WSASend(fd, &part, 1, &bytes, 0, overlapped, nullptr) != 0) {
      return SocketResult(false);
    }
    return static_cast<int>(bytes);
  }
  // `from` and `*from_size` are written when it ends.
  static int ReceiveFrom(Fd fd, void* buffer, ULONG size, sockaddr* from,
                         int* from_size, OVERLAPPED* overlapped) {
    WSABUF part{size, static_cast<char*>(buffer)};
    DWORD bytes = 0;
    DWORD flags = 0;
    if (::WSARecvFrom(fd, &part, 1, &bytes, &flags, from, from_size, overlapped,
                      nullptr) != 0) {
      return SocketResult(false);
    }
    return static_cast<int>(bytes);
  }
  static int SendTo(Fd fd, const void* buffer, ULONG size, const sockaddr* to,
                    int to_size, OVERLAPPED* overlapped) {
    WSABUF part{size, static_cast<char*>(const_cast<void*>(buffer))};
    DWORD bytes = 0;
    if (::WSASendTo(fd, &part, 1, &bytes, 0, to, to_size, overlapped,
                    nullptr) != 0) {
      return SocketResult(false);
    }
    return static_cast<int>(bytes);
  }
  // `addresses` has room for two of `address_size` bytes.
  static int Accept(Fd listener, Fd accepted, void* addresses,
                    DWORD address_size, OVERLAPPED* overlapped) {
    LPFN_ACCEPTEX accept = nullptr;
    const int error = Extension(listener, WSAID_ACCEPTEX, &accept);
    if (error != 0) return error;
    DWORD bytes = 0;
    return SocketResult(accept(listener, accepted, addresses, 0, address_size,
                               address_size, &bytes, overlapped));
  }
  static int Connect(Fd fd, const sockaddr* address, int size,
                     OVERLAPPED* overlapped) {
    LPFN_CONNECTEX connect = nullptr;
    const int error = Extension(fd, WSAID_CONNECTEX, &connect);
    if (error != 0) return error;
    DWORD bytes = 0;
    return SocketResult(
        connect(fd, address, size, nullptr, 0, &bytes, overlapped));
  }
  static int Bind(Fd fd, const sockaddr* address, int size) {
    return SocketResult(::bind(fd, address, size) == 0);
  }
  // Until then an accepted or connected socket is not a whole one.
  static int FinishAccept(Fd listener, Fd accepted) {
    const SOCKET from = listener;
    return SocketResult(
        ::setsockopt(accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                     reinterpret_cast<const char*>(&from), sizeof(from)) == 0);
  }
  static int FinishConnect(Fd fd) {
    return SocketResult(::setsockopt(fd, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT,
                                     nullptr, 0) == 0);
  }

 private:
  // The calls that Winsock hands out by name, for the provider of `fd`.
  template <class Function>
  static int Extension(Fd fd, GUID id, Function* function) {
    DWORD bytes = 0;
    return SocketResult(::WSAIoctl(fd, SIO_GET_EXTENSION_FUNCTION_POINTER, &id,
                                   sizeof(id), function, sizeof(*function),
                                   &bytes, nullptr, nullptr) == 0);
  }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_WINDOWS_SYS_H_
