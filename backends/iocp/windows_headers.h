// SPDX-License-Identifier: Apache-2.0
//
// The system's headers, in the order and with the settings that they need.

#ifndef NETPOLL_BACKENDS_IOCP_WINDOWS_HEADERS_H_
#define NETPOLL_BACKENDS_IOCP_WINDOWS_HEADERS_H_

// Without it <windows.h> defines macros named min and max.
#ifndef NOMINMAX
#define NOMINMAX
#endif

// clang-format off
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <winternl.h>
// clang-format on

#endif  // NETPOLL_BACKENDS_IOCP_WINDOWS_HEADERS_H_
