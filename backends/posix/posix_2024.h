// SPDX-License-Identifier: Apache-2.0
//
// Whether the system has pipe2 and ppoll: POSIX has them since 2024, and some
// systems had them before.

#ifndef NETPOLL_BACKENDS_POSIX_POSIX_2024_H_
#define NETPOLL_BACKENDS_POSIX_POSIX_2024_H_

#include <unistd.h>

#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__) || defined(__sun) ||  \
    (defined(_POSIX_VERSION) && _POSIX_VERSION >= 202405L)
#define NETPOLL_HAS_POSIX_2024 1
#else
#define NETPOLL_HAS_POSIX_2024 0
#endif

#endif  // NETPOLL_BACKENDS_POSIX_POSIX_2024_H_
