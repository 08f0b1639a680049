// SPDX-License-Identifier: Apache-2.0
//
// Every kind of socket: streams, those who listen for them, datagrams.

#ifndef NETPOLL_RUNTIME_SOCKET_H_
#define NETPOLL_RUNTIME_SOCKET_H_

#include "netpoll/runtime/address.h"         // IWYU pragma: export
#include "netpoll/runtime/connect.h"         // IWYU pragma: export
#include "netpoll/runtime/datagram.h"        // IWYU pragma: export
#include "netpoll/runtime/errno_status.h"    // IWYU pragma: export
#include "netpoll/runtime/listener.h"        // IWYU pragma: export
#include "netpoll/runtime/socket_options.h"  // IWYU pragma: export
#include "netpoll/runtime/stream.h"          // IWYU pragma: export

#endif  // NETPOLL_RUNTIME_SOCKET_H_
