// SPDX-License-Identifier: Apache-2.0
//
// Conformance: the process around the backend. Fork, and running out of
// descriptors.

#ifndef NETPOLL_TESTS_CONFORMANCE_PROCESS_H_
#define NETPOLL_TESTS_CONFORMANCE_PROCESS_H_

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/child.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

// Calls `act` in a child in which the numbers of `closed` (bits 0 to 2) of
// standard input, output and error are free. True if it returned true, and the
// numbers are as free as they were.
inline bool WithoutStdio(unsigned closed, const std::function<bool()>& act) {
  constexpr unsigned kWatchdogSeconds = 60;
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kWatchdogSeconds);
    for (int fd = 0; fd < 3; ++fd) {
      if ((closed >> fd & 1) != 0) ::close(fd);
    }
    bool right = act();
    for (int fd = 0; fd < 3; ++fd) {
      const bool open = ::fcntl(fd, F_GETFD) >= 0;
      right = right && open == ((closed >> fd & 1) == 0);
    }
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Lowers the limit of open descriptors so that `spare` more can be made, but no
// further: poll(2) accepts no more descriptors than the limit.
class FewDescriptors {
 public:
  explicit FewDescriptors(int spare) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    // The limit is on the number, and the lowest free one is taken.
    int first_refused = -1;
    for (int free = 0; free <= spare;) {
      if (::fcntl(++first_refused, F_GETFD) < 0) ++free;
    }
    few.rlim_cur = static_cast<rlim_t>(first_refused);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

template <class Backend>
class Process : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Process);

TYPED_TEST_P(Process, AChildOfForkIsRefusedInOneSentence) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  const std::function<void()> uses[] = {
      [&] { this->TakeAll(); },
      [&] { this->backend_.Break(); },
      [&] { this->backend_.Open(ends.peer(), this->Key(2)); },
      [&] { this->backend_.Close(ends.own(), this->Key(1)); },
  };
  for (const auto& use : uses) {
    const ChildEnd end = InChild(use);
    EXPECT_TRUE(end.Aborted());
    EXPECT_NE(end.said.find("netpoll: a child of fork used"), std::string::npos)
        << end.said;
    EXPECT_EQ(end.said.find('\n'), end.said.size() - 1) << end.said;
  }
}

TYPED_TEST_P(Process, TheParentGoesOnAfterAFork) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  EXPECT_FALSE(InChild([] {}).Aborted());
  ends.Send();
  EXPECT_TRUE(this->Take(this->Key(1)).read);
  this->backend_.Break();
  Recorder recorder;
  this->backend_.Poll(Delta::Forever(), recorder);
}

TYPED_TEST_P(Process, AChildMayMakeAPollerOfItsOwn) {
  EXPECT_FALSE(InChild([] {
                 TypeParam backend;
                 Recorder recorder;
                 if (backend.Init() != 0) ::abort();
                 backend.Break();
                 backend.Poll(Delta::Forever(), recorder);
               }).Aborted());
}

// What exit() does in a child: the parent's kernel objects are shared, and stay
// as they are.
TYPED_TEST_P(Process, AChildThatOnlyExitsDisturbsNobody) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  const ChildEnd end = InChild([&] {
    ends.CloseOwn();
    ends.ClosePeer();
    std::destroy_at(&this->backend_);
  });
  EXPECT_FALSE(end.Aborted());
  EXPECT_EQ(end.said, "");
  for (int i = 0; i < 3; ++i) {
    char byte;
    ends.Send();
    EXPECT_TRUE(this->Take(this->Key(1)).read);
    EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    this->Arm(ends.own(), this->Key(1), Mode::kRead);
    this->backend_.Break();
    Recorder recorder;
    this->backend_.Poll(Delta::Forever(), recorder);
  }
  EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
}

// Though descriptors are open in it, and somebody waits.
TYPED_TEST_P(Process, SoDoesOneThatDestroysAPoller) {
  auto poller = std::make_unique<Poller<TypeParam>>();
  ASSERT_EQ(poller->Init(), 0);
  Ends ends = Ends::PipeToRead();
  auto* const desc = poller->Open(ends.own()).desc;
  ASSERT_NE(desc, nullptr);
  Waiter waiter;
  ASSERT_TRUE(poller->Park(desc, Mode::kRead, &waiter).parked());
  const ChildEnd end = InChild([&] { poller.reset(); });
  EXPECT_FALSE(end.Aborted());
  EXPECT_EQ(end.said, "");
  ends.Send();
  PollResult result = poller->Poll(Delta::Forever());
  EXPECT_EQ(result.ready.Pop(), &waiter);
  poller->AdjustWaiters(result.waiters_delta);
  EXPECT_TRUE(poller->Resume(desc, Mode::kRead, &waiter).ready());
  EXPECT_TRUE(poller->Unblock(desc).ready.empty());
  EXPECT_EQ(poller->Close(desc), 0);
}

// Started with standard input, output or error closed, which whoever prints
// does not know.
TYPED_TEST_P(Process, NothingOfItIsStandardInputOutputOrError) {
  for (unsigned closed = 0; closed < 8; ++closed) {
    EXPECT_TRUE(WithoutStdio(closed, [&] {
      TypeParam backend;
      if (backend.Init() != 0) return false;
      Recorder recorder;
      for (int fd = 0; fd < 3; ++fd) {
        if (backend.IsPollDescriptor(fd)) return false;
        if ((closed >> fd & 1) != 0 && ::fcntl(fd, F_GETFD) >= 0) return false;
      }
      backend.Break();
      backend.Poll(Delta::Forever(), recorder);
      return true;
    })) << closed;
  }
}

TYPED_TEST_P(Process, InitWithoutDescriptorsFailsAndLeavesNothing) {
  constexpr int kMostOwn = 16;
  const auto before = OpenDescriptors();
  for (int spare = 0;; ++spare) {
    ASSERT_LT(spare, kMostOwn);
    int error = 0;
    {
      const FewDescriptors limit(spare);
      TypeParam backend;
      error = backend.Init();
    }
    EXPECT_EQ(OpenDescriptors(), before) << spare;
    if (error == 0) break;
    EXPECT_TRUE(error == EMFILE || error == ENFILE) << error;
  }
  TypeParam backend;
  EXPECT_EQ(backend.Init(), 0);
}

TYPED_TEST_P(Process, PollingGoesOnWithoutDescriptors) {
  Ends ends = Ends::Sockets();
  const FewDescriptors limit(0);
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  ends.Send();
  EXPECT_TRUE(this->Take(this->Key(1)).read);
  EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
}

REGISTER_TYPED_TEST_SUITE_P(Process, AChildOfForkIsRefusedInOneSentence,
                            TheParentGoesOnAfterAFork,
                            AChildMayMakeAPollerOfItsOwn,
                            AChildThatOnlyExitsDisturbsNobody,
                            SoDoesOneThatDestroysAPoller,
                            NothingOfItIsStandardInputOutputOrError,
                            InitWithoutDescriptorsFailsAndLeavesNothing,
                            PollingGoesOnWithoutDescriptors);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_PROCESS_H_
