// SPDX-License-Identifier: Apache-2.0
//
// The system's error numbers as the errnos that every backend answers with.

#ifndef NETPOLL_BACKENDS_IOCP_WINDOWS_ERRORS_H_
#define NETPOLL_BACKENDS_IOCP_WINDOWS_ERRORS_H_

#include <cerrno>

#include "netpoll/backends/iocp/windows_headers.h"

namespace netpoll {

struct WindowsErrorName {
  int error;  // Of GetLastError or WSAGetLastError, which share one space.
  int as_errno;
};

inline constexpr WindowsErrorName kWindowsErrors[] = {
    {0, 0},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
    {ERROR_WORKING_SET_QUOTA, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, ENOMEM},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_NOT_SUPPORTED, EOPNOTSUPP},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_BROKEN_PIPE, EPIPE},
    {ERROR_NETNAME_DELETED, ECONNRESET},
    {ERROR_PORT_UNREACHABLE, ECONNREFUSED},
    {ERROR_CONNECTION_REFUSED, ECONNREFUSED},
    {ERROR_CONNECTION_ABORTED, ECONNABORTED},
    {ERROR_NETWORK_UNREACHABLE, ENETUNREACH},
    {ERROR_HOST_UNREACHABLE, EHOSTUNREACH},
    {ERROR_SEM_TIMEOUT, ETIMEDOUT},
    {ERROR_OPERATION_ABORTED, ECANCELED},
    {WSAEACCES, EACCES},
    {WSAEADDRINUSE, EADDRINUSE},
    {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
    {WSAEAFNOSUPPORT, EAFNOSUPPORT},
    {WSAECONNABORTED, ECONNABORTED},
    {WSAECONNREFUSED, ECONNREFUSED},
    {WSAECONNRESET, ECONNRESET},
    {WSAEFAULT, EFAULT},
    {WSAEHOSTUNREACH, EHOSTUNREACH},
    {WSAEINVAL, EINVAL},
    {WSAEISCONN, EISCONN},
    {WSAEMFILE, EMFILE},
    {WSAEMSGSIZE, EMSGSIZE},
    {WSAENETDOWN, ENETDOWN},
    {WSAENETRESET, ENETRESET},
    {WSAENETUNREACH, ENETUNREACH},
    {WSAENOBUFS, ENOBUFS},
    {WSAENOTCONN, ENOTCONN},
    {WSAENOTSOCK, ENOTSOCK},
    {WSAEOPNOTSUPP, EOPNOTSUPP},
    // What a send after shutdown says; EPIPE elsewhere.
    {WSAESHUTDOWN, EPIPE},
    {WSAETIMEDOUT, ETIMEDOUT},
    {WSAEWOULDBLOCK, EAGAIN},
    {WSANOTINITIALISED, ENODEV},
};

// EIO for what has no name of its own.
constexpr int ErrnoOfWindows(int error) {
  for (const WindowsErrorName& name : kWindowsErrors) {
    if (name.error == error) return name.as_errno;
  }
  return EIO;
}
static_assert(ErrnoOfWindows(ERROR_INVALID_HANDLE) == EBADF);
static_assert(ErrnoOfWindows(WSAECONNRESET) == ECONNRESET);
static_assert(ErrnoOfWindows(-1) == EIO);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_WINDOWS_ERRORS_H_
