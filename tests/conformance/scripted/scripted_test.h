// SPDX-License-Identifier: Apache-2.0
//
// What the tests of backends on scripted system calls share.

#ifndef NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_TEST_H_
#define NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_TEST_H_

#include <climits>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

// A limit of a poll, and what it is in milliseconds, rounded up.
struct LimitInMillis {
  std::int64_t nanos;
  int millis;
};
inline constexpr LimitInMillis kLimitsInMillis[] = {
    {1, 1},         {999'999, 1},   {1'000'000, 1},          {1'000'001, 2},
    {1'999'999, 2}, {2'500'000, 3}, {INT64_MAX - 1, INT_MAX}};

// `Sys` is the scripted system: Sys::script() is its script, with
// ScriptedCalls as a base.
template <class Sys>
class ScriptedTest : public ::testing::Test {
 private:
  const DescriptorGuard guard_;

 protected:
  void SetUp() override { script() = {}; }

  static auto& script() { return Sys::script(); }

  template <class Call>
  static int Count(Call call) {
    return script().count[call];
  }

  template <class Backend>
  static std::vector<Report> Poll(Backend& backend, Delta delta) {
    Recorder recorder;
    backend.Poll(delta, recorder);
    return recorder.reports;
  }

  // Open returns each error after `fail(error)`; what comes next gets the slot
  // that the failed ones had.
  template <class Backend, class Fail>
  static void OpenFails(std::initializer_list<int> errors, Fail fail) {
    Poller<Backend> poller;
    ASSERT_EQ(poller.Init(), 0);
    Ends ends = Ends::Sockets();
    for (const int error : errors) {
      fail(error);
      const auto opened = poller.Open(ends.own());
      EXPECT_EQ(opened.error, error);
      EXPECT_EQ(opened.desc, nullptr);
    }
    const auto opened = poller.Open(ends.own());
    ASSERT_EQ(opened.error, 0);
    EXPECT_EQ(opened.desc->index(), 0u);
    EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
    EXPECT_EQ(poller.Close(opened.desc), 0);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_TEST_H_
