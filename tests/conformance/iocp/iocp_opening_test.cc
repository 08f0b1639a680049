// SPDX-License-Identifier: Apache-2.0
//
// What may be opened in the IOCP backend, and opened again.
#include <cerrno>
#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/iocp/fixture.h"

namespace netpoll::conformance {
namespace {

Fd ToFd(HANDLE handle) { return reinterpret_cast<Fd>(handle); }

class IocpOpening : public IocpFixture {
 protected:
  void SetUp() override {
    IocpFixture::SetUp();
    ASSERT_EQ(poller_.Init(), 0);
  }

  Poller<Backend> poller_;
};

TEST_F(IocpOpening, OpenRefusesWhatCannotBePolled) {
  EXPECT_EQ(poller_.Open(ToFd(INVALID_HANDLE_VALUE)).error, EBADF);
  EXPECT_EQ(poller_.Open(0).error, EBADF);
  EXPECT_EQ(poller_.Open(ToFd(::GetCurrentProcess())).error, EBADF);
  Fd number;
  {
    const Ends gone;
    number = gone.own();
  }
  EXPECT_EQ(poller_.Open(number).error, EBADF);

  const SOCKET blocking = ::WSASocketW(AF_INET, SOCK_STREAM, 0, nullptr, 0, 0);
  EXPECT_EQ(poller_.Open(blocking).error, EINVAL);
  ::closesocket(blocking);

  char name[MAX_PATH];
  ASSERT_NE(::GetModuleFileNameA(nullptr, name, sizeof(name)), 0u);
  const HANDLE file =
      ::CreateFileA(name, GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING,
                    FILE_FLAG_OVERLAPPED, nullptr);
  ASSERT_NE(file, INVALID_HANDLE_VALUE);
  EXPECT_EQ(poller_.Open(ToFd(file)).error, EPERM);
  ::CloseHandle(file);

  const HANDLE event = ::CreateEventW(nullptr, FALSE, FALSE, nullptr);
  EXPECT_EQ(poller_.Open(ToFd(event)).error, ENOTSOCK);
  ::CloseHandle(event);
}

TEST_F(IocpOpening, WithoutTheCheckOpenRefusesWhatTheSystemDoes) {
  EXPECT_EQ(poller_.Open(ToFd(INVALID_HANDLE_VALUE), Pollable::kKnown).error,
            EBADF);
  const SOCKET blocking = ::WSASocketW(AF_INET, SOCK_STREAM, 0, nullptr, 0, 0);
  EXPECT_EQ(poller_.Open(blocking, Pollable::kKnown).error, EINVAL);
  ::closesocket(blocking);
}

// Elsewhere it may be opened again; here the association is for good.
TEST_F(IocpOpening, AClosedDescriptorIsRefusedAfterwards) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  EXPECT_EQ(backend_.Close(ends.own(), Key(1)), 0);
  EXPECT_EQ(backend_.Open(ends.own(), Key(2)), EEXIST);
}

TEST_F(IocpOpening, WhatIsOpenInOnePollerIsRefusedByAnother) {
  Ends ends;
  const auto opened = poller_.Open(ends.own());
  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(backend_.Open(ends.own(), Key(1)), EEXIST);
  EXPECT_TRUE(poller_.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller_.Close(opened.desc), 0);
}

// A second incarnation in the same slot: a packet under the first one's key
// wakes nobody, and is counted.
TEST_F(IocpOpening, AStaleKeyWakesNobody) {
  Ends first, second;
  auto* desc = poller_.Open(first.own()).desc;
  const auto old = EventKey::ForSlot(desc->index(), desc->generation());
  EXPECT_TRUE(poller_.Unblock(desc).ready.empty());
  EXPECT_EQ(poller_.Close(desc), 0);
  desc = poller_.Open(second.own()).desc;
  const auto key = EventKey::ForSlot(desc->index(), desc->generation());
  EXPECT_EQ(old.index(), key.index());
  EXPECT_FALSE(old == key);
  {
    Backend& backend = poller_.backend();
    Call call(backend, second.own(), key, Mode::kRead);
    ASSERT_TRUE(call.Receive().pending);
    ::PostQueuedCompletionStatus(SpySys::port(), 1, old.bits(),
                                 call.operation()->overlapped());
    EXPECT_TRUE(poller_.Poll(Delta::Forever()).ready.empty());
    ASSERT_FALSE(poller_.Prepare(desc, Mode::kRead).ended);
    static_cast<void>(poller_.Finish(desc, Mode::kRead));
    second.Send();
    EXPECT_TRUE(poller_.Poll(Delta::Forever()).ready.empty());
    EXPECT_TRUE(poller_.Prepare(desc, Mode::kRead).ended);
    EXPECT_EQ(call.Finish().bytes, 1u);
  }
  EXPECT_TRUE(poller_.Unblock(desc).ready.empty());
  EXPECT_EQ(poller_.Close(desc), 0);
}

}  // namespace
}  // namespace netpoll::conformance
