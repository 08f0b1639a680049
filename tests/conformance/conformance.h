// SPDX-License-Identifier: Apache-2.0
//
// The conformance suite: what backends/backend.h promises, clause by clause,
// for any backend. Whoever writes one adds a test of five lines:
//
//   #include "my/backend.h"
//   #include "netpoll/tests/conformance/conformance.h"
//   namespace netpoll::conformance {
//   NETPOLL_CONFORMANCE(MyBackend, my::Backend<>);
//   }
//
// and a target that depends on //tests/conformance and on GoogleTest's main.
// The suite needs a POSIX system: it makes the backend's events with socket
// pairs and pipes. What it asks elsewhere is in portable.h.

#ifndef NETPOLL_TESTS_CONFORMANCE_CONFORMANCE_H_
#define NETPOLL_TESTS_CONFORMANCE_CONFORMANCE_H_

#include "gtest/gtest.h"
#include "netpoll/tests/conformance/arming.h"
#include "netpoll/tests/conformance/error_reports.h"
#include "netpoll/tests/conformance/opening.h"
#include "netpoll/tests/conformance/portable.h"
#include "netpoll/tests/conformance/process.h"
#include "netpoll/tests/conformance/readiness.h"
#include "netpoll/tests/conformance/reuse.h"
#include "netpoll/tests/conformance/short_reads.h"
#include "netpoll/tests/conformance/signals.h"
#include "netpoll/tests/conformance/threads.h"

// `name` is for the names of the tests; the backend's type follows.
#define NETPOLL_CONFORMANCE(name, ...)                                 \
  NETPOLL_PORTABLE_CONFORMANCE(name, __VA_ARGS__);                     \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Readiness, name##UnderTest);    \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Reuse, name##UnderTest);        \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Opening, name##UnderTest);      \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Signals, name##UnderTest);      \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Arming, name##UnderTest);       \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, ShortReads, name##UnderTest);   \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, ErrorReports, name##UnderTest); \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Threads, name##UnderTest);      \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Process, name##UnderTest)

// For a mutant of a backend, which one test is to kill: its suite alone, in a
// third of the time.
#ifdef NETPOLL_CONFORMANCE_SUITE
#undef NETPOLL_CONFORMANCE
#define NETPOLL_CONFORMANCE(name, ...)                   \
  using name##UnderTest = ::testing::Types<__VA_ARGS__>; \
  NETPOLL_ONE_SUITE(name, NETPOLL_CONFORMANCE_SUITE)
#define NETPOLL_ONE_SUITE(name, suite) NETPOLL_ONE_SUITE_OF(name, suite)
#define NETPOLL_ONE_SUITE_OF(name, suite) \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, suite, name##UnderTest)
#endif

#endif  // NETPOLL_TESTS_CONFORMANCE_CONFORMANCE_H_
