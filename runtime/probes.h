// SPDX-License-Identifier: Apache-2.0
//
// Static probes for tracers, named in docs/observability.md: an instruction
// that does nothing, where NETPOLL_USDT is defined and the system has the
// header; otherwise not even that.

#ifndef NETPOLL_RUNTIME_PROBES_H_
#define NETPOLL_RUNTIME_PROBES_H_

#if defined(NETPOLL_USDT) && __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define NETPOLL_PROBE1(name, a) DTRACE_PROBE1(netpoll, name, a)
#define NETPOLL_PROBE2(name, a, b) DTRACE_PROBE2(netpoll, name, a, b)
#define NETPOLL_PROBE3(name, a, b, c) DTRACE_PROBE3(netpoll, name, a, b, c)
#else
#define NETPOLL_PROBE1(name, a) static_cast<void>(0)
#define NETPOLL_PROBE2(name, a, b) static_cast<void>(0)
#define NETPOLL_PROBE3(name, a, b, c) static_cast<void>(0)
#endif

#endif  // NETPOLL_RUNTIME_PROBES_H_
