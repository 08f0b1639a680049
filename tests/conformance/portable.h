// SPDX-License-Identifier: Apache-2.0
//
// The clauses of the conformance suite that ask for nothing of POSIX, and of
// readiness no more than completions can give. A backend of another system
// specialises Fixture (clause.h) and adds
//
//   NETPOLL_PORTABLE_CONFORMANCE(MyBackend, my::Backend<>);

#ifndef NETPOLL_TESTS_CONFORMANCE_PORTABLE_H_
#define NETPOLL_TESTS_CONFORMANCE_PORTABLE_H_

#include "gtest/gtest.h"
#include "netpoll/tests/conformance/batches.h"
#include "netpoll/tests/conformance/edges.h"
#include "netpoll/tests/conformance/registration.h"
#include "netpoll/tests/conformance/waking.h"

// `name` is for the names of the tests; the backend's type follows.
#define NETPOLL_PORTABLE_CONFORMANCE(name, ...)                        \
  using name##UnderTest = ::testing::Types<__VA_ARGS__>;               \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Edges, name##UnderTest);        \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Registration, name##UnderTest); \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Waking, name##UnderTest);       \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Batches, name##UnderTest)

#endif  // NETPOLL_TESTS_CONFORMANCE_PORTABLE_H_
