// SPDX-License-Identifier: Apache-2.0
//
// Conformance: which polls a signal ends.

#ifndef NETPOLL_TESTS_CONFORMANCE_SIGNALS_H_
#define NETPOLL_TESTS_CONFORMANCE_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/tests/conformance/clause.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

template <class Backend>
class Signals : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Signals);

// Signals, whose handler does not ask for calls to be restarted.
class SignalHandler {
 public:
  SignalHandler() {
    struct sigaction action {};
    action.sa_handler = [](int) { count().fetch_add(1); };
    ::sigaction(SIGUSR1, &action, &before_);
  }
  ~SignalHandler() { ::sigaction(SIGUSR1, &before_, nullptr); }

  static std::atomic<int>& count() {
    static std::atomic<int> value;
    return value;
  }

 private:
  struct sigaction before_ {};
};

TYPED_TEST_P(Signals, ASignalEndsAPollWithALimit) {
  SignalHandler handler;
  for (int i = 0; i < 20; ++i) {
    UntilPollEnds(this->backend_, Delta::AtMost(std::chrono::hours(24)),
                  [](std::thread& poller) {
                    ::pthread_kill(poller.native_handle(), SIGUSR1);
                  });
  }
}

TYPED_TEST_P(Signals, ASignalDoesNotEndAPollWithoutALimit) {
  constexpr int kSignals = 50;
  SignalHandler handler;
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  Recorder recorder;
  std::thread poller([&] { this->backend_.Poll(Delta::Forever(), recorder); });
  for (int i = 0; i < kSignals; ++i) {
    // Again and again, for tsan: it keeps a signal that comes just before a
    // system call of the ring, which it does not know, until the next one.
    const int before = SignalHandler::count();
    while (SignalHandler::count() == before) {
      ::pthread_kill(poller.native_handle(), SIGUSR1);
      std::this_thread::yield();
    }
  }
  ends.Send();
  poller.join();
  // Had a signal ended it, there would be no report.
  EXPECT_EQ(recorder.reports.size(), 1u);
}

REGISTER_TYPED_TEST_SUITE_P(Signals, ASignalEndsAPollWithALimit,
                            ASignalDoesNotEndAPollWithoutALimit);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_SIGNALS_H_
