// SPDX-License-Identifier: Apache-2.0
//
// Conformance: which descriptors are the backend's own, which are open, and
// that nothing is left after a close.

#ifndef NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_
#define NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_

#include <cerrno>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/clause.h"

namespace netpoll::conformance {

template <class Backend>
class Registration : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Registration);

// Row S4: the other descriptor keeps the connection alive, and the kernel's
// registration too if it is not removed.
TYPED_TEST_P(Registration, CloseIsCompleteThoughADuplicateLivesOn) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  this->TakeAll();
  const typename TestFixture::Duplicate duplicate(ends);
  EXPECT_EQ(this->Close(ends, this->Key(1)), 0);
  ends.CloseOwn();
  ends.Send();
  EXPECT_TRUE(this->TakeAll().empty());
}

TYPED_TEST_P(Registration, NothingIsReportedAfterClose) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  ends.Send();
  EXPECT_EQ(this->Close(ends, this->Key(1)), 0);
  EXPECT_TRUE(this->TakeAll().empty());
}

TYPED_TEST_P(Registration, OpenRefusesWhatIsOpenAlready) {
  Poller<TypeParam> poller;
  ASSERT_EQ(poller.Init(), 0);
  auto ends = this->Pair();
  const auto opened = poller.Open(ends.own());
  ASSERT_EQ(opened.error, 0);
  const auto again = poller.Open(ends.own());
  EXPECT_EQ(again.error, EEXIST);
  EXPECT_EQ(again.desc, nullptr);
  // The first registration is as it was.
  static_cast<void>(poller.Poll(Delta::NonBlocking()));
  if (TestFixture::kReportsReadiness && !TypeParam::kTraits.needs_arm) {
    Waiter waiter;
    EXPECT_TRUE(poller.Park(opened.desc, Mode::kWrite, &waiter).ready());
  }
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), 0);
}

TYPED_TEST_P(Registration, EveryDescriptorOfTheBackendIsKnownAsItsOwn) {
  auto ends = this->Pair();
  Poller<TypeParam> poller;
  const auto made = this->MadeBy([&] { ASSERT_EQ(poller.Init(), 0); });
  EXPECT_FALSE(made.empty());
  for (const auto fd : made) {
    EXPECT_TRUE(poller.IsPollDescriptor(fd)) << fd;
    EXPECT_EQ(poller.Open(fd).error, EINVAL) << fd;
    EXPECT_FALSE(this->backend_.IsPollDescriptor(fd)) << fd;
  }
  EXPECT_FALSE(poller.IsPollDescriptor(0));
  EXPECT_FALSE(poller.IsPollDescriptor(ends.own()));
  EXPECT_FALSE(poller.IsPollDescriptor(TestFixture::kNoDescriptor));
}

TYPED_TEST_P(Registration, TheBackendsDescriptorsAreNotInherited) {
  TypeParam backend;
  const auto made = this->MadeBy([&] { ASSERT_EQ(backend.Init(), 0); });
  EXPECT_FALSE(made.empty());
  for (const auto fd : made) EXPECT_FALSE(this->IsInherited(fd)) << fd;
}

TYPED_TEST_P(Registration, AllDescriptorsAreClosedInTheEnd) {
  const auto before = this->OpenDescriptors();
  for (int i = 0; i < 10; ++i) {
    TypeParam backend;
    ASSERT_EQ(backend.Init(), 0);
  }
  EXPECT_EQ(this->OpenDescriptors(), before);
}

REGISTER_TYPED_TEST_SUITE_P(Registration,
                            CloseIsCompleteThoughADuplicateLivesOn,
                            NothingIsReportedAfterClose,
                            OpenRefusesWhatIsOpenAlready,
                            EveryDescriptorOfTheBackendIsKnownAsItsOwn,
                            TheBackendsDescriptorsAreNotInherited,
                            AllDescriptorsAreClosedInTheEnd);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_
