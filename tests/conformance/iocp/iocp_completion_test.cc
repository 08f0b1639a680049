// SPDX-License-Identifier: Apache-2.0
//
// Which ends of operations the IOCP backend reports, as what and how often.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/tests/conformance/iocp/fixture.h"

namespace netpoll::conformance {
namespace {

using Iocp = IocpFixture;
using IocpDeathTest = IocpFixture;
using Reports = std::vector<Report>;

TEST_F(Iocp, OpenReportsNothing) {
  Ends ends;
  ends.Send();
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  EXPECT_TRUE(TakeAll().empty());
}

// The bytes are there already: no packet, so nothing to report.
TEST_F(Iocp, WhatEndsAtOnceIsNotReported) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call reading(backend_, ends.own(), Key(1), Mode::kRead);
  Call writing(backend_, ends.own(), Key(1), Mode::kWrite);
  ends.Send();
  // So that the byte has arrived.
  char byte;
  EXPECT_EQ(::recv(ends.own(), &byte, 1, MSG_PEEK), 1);
  const IocpStarted read = reading.Receive();
  EXPECT_FALSE(read.pending);
  EXPECT_EQ(read.result.bytes, 1u);
  const IocpStarted written = writing.Send(10);
  EXPECT_FALSE(written.pending);
  EXPECT_EQ(written.result.bytes, 10u);
  EXPECT_TRUE(TakeAll().empty());
  // Nor is it mistaken for the end of the next one.
  ends.Send();
  EXPECT_EQ(::recv(ends.own(), &byte, 1, MSG_PEEK), 1);
  EXPECT_FALSE(reading.Receive().pending);
  ASSERT_TRUE(reading.Receive().pending);
  EXPECT_TRUE(TakeAll().empty());
  ends.Send();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_EQ(reading.Finish().bytes, 1u);
}

TEST_F(Iocp, SpaceEndsAWrite) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kWrite);
  const std::size_t sent = call.SendUntilPending();
  EXPECT_TRUE(TakeAll().empty());
  ends.DrainPeer(sent);
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kWrite}}));
  const IoResult result = call.Finish();
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes, kLarge);
}

// Row E18: each completion goes to the operation that it belongs to.
TEST_F(Iocp, BothDirectionsAtOnceAreReportedApart) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call reading(backend_, ends.own(), Key(1), Mode::kRead);
  Call writing(backend_, ends.own(), Key(1), Mode::kWrite);
  ASSERT_TRUE(reading.Receive().pending);
  const std::size_t sent = writing.SendUntilPending();
  ends.Send();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_FALSE(writing.done());
  EXPECT_EQ(reading.Finish().bytes, 1u);
  ends.DrainPeer(sent);
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kWrite}}));
  EXPECT_EQ(writing.Finish().bytes, kLarge);
}

TEST_F(Iocp, AHalfCloseEndsTheReaderOnly) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call reading(backend_, ends.own(), Key(1), Mode::kRead);
  Call writing(backend_, ends.own(), Key(1), Mode::kWrite);
  ASSERT_TRUE(reading.Receive().pending);
  const std::size_t sent = writing.SendUntilPending();
  ends.ShutDownPeer();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  const IoResult end = reading.Finish();
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0u);
  EXPECT_TRUE(TakeAll().empty());
  ends.DrainPeer(sent);
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kWrite}}));
  EXPECT_TRUE(writing.Finish().ok());
}

// Row E11: a packet of a failed operation is one all the same.
TEST_F(Iocp, AFailedOperationIsReported) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  ends.ResetPeer();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  const IoResult result = call.Finish();
  EXPECT_EQ(result.status.error_number(), ECONNRESET);
  EXPECT_EQ(result.bytes, 0u);
}

TEST_F(Iocp, ACancelledOperationIsReported) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  for (const PollError asked : {PollError::kTimeout, PollError::kClosing}) {
    ASSERT_TRUE(call.Receive().pending);
    call.Cancel();
    EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
    EXPECT_EQ(call.Finish(asked).status.poll_error(), asked);
  }
  // Nobody asked: somebody else cancelled it.
  ASSERT_TRUE(call.Receive().pending);
  call.Cancel();
  EXPECT_EQ(Poll(Delta::Forever()).size(), 1u);
  EXPECT_EQ(call.Finish().status.error_number(), ECANCELED);
}

// It had ended before: what it moved counts.
TEST_F(Iocp, BytesWinOverACancellation) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  ends.Send();
  Reports seen = Poll(Delta::Forever());
  call.Cancel();
  EXPECT_EQ(seen, (Reports{{Key(1), Mode::kRead}}));
  const IoResult result = call.Finish(PollError::kTimeout);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes, 1u);
}

// Cancelling one leaves the other alone, of the same descriptor too.
TEST_F(Iocp, ACancellationIsOfOneOperation) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call reading(backend_, ends.own(), Key(1), Mode::kRead);
  Call writing(backend_, ends.own(), Key(1), Mode::kWrite);
  ASSERT_TRUE(reading.Receive().pending);
  const std::size_t sent = writing.SendUntilPending();
  reading.Cancel();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_FALSE(reading.Finish(PollError::kTimeout).ok());
  EXPECT_TRUE(TakeAll().empty());
  ends.DrainPeer(sent);
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kWrite}}));
  EXPECT_TRUE(writing.Finish().ok());
}

// Row E9: somebody else's call on the handle, whose OVERLAPPED is gone when
// its packet is dequeued: whoever looks into it stops.
TEST_F(Iocp, ACompletionOfSomebodyElsesCallIsDropped) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  void* const page =
      ::VirtualAlloc(nullptr, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  auto* const overlapped = static_cast<OVERLAPPED*>(page);
  overlapped->hEvent = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
  const HANDLE ended = overlapped->hEvent;
  char buffer[8];
  ASSERT_EQ(SpySys::Receive(ends.own(), buffer, sizeof(buffer), overlapped),
            -WSA_IO_PENDING);
  ends.Send();
  ::WaitForSingleObject(ended, INFINITE);
  DWORD before = 0;
  ASSERT_TRUE(::VirtualProtect(page, 4096, PAGE_NOACCESS, &before));
  EXPECT_TRUE(Poll(Delta::Forever()).empty());
  ::VirtualFree(page, 0, MEM_RELEASE);
  ::CloseHandle(ended);
  // And then ours is reported.
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  ends.Send();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_EQ(call.Finish().bytes, 1u);
}

// Whatever is posted to the port: nothing is followed that isn't an operation
// under way.
TEST_F(Iocp, ForeignPacketsAreDropped) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  OVERLAPPED* const ours = call.operation()->overlapped();
  auto* const inside = reinterpret_cast<OVERLAPPED*>(
      reinterpret_cast<char*>(ours) + sizeof(void*));
  const struct {
    std::uint64_t key;
    OVERLAPPED* overlapped;
  } kPackets[] = {
      {0, nullptr},
      {Key(1).bits(), nullptr},
      {Key(1).bits(), reinterpret_cast<OVERLAPPED*>(std::uintptr_t{8})},
      {Key(1).bits(), ours},  // Not under way.
      {Key(1).bits(), inside},
      {EventKey::Internal(0).bits(), ours},
      {EventKey::Internal(7).bits(), nullptr},
      {~std::uint64_t{0}, nullptr},
  };
  for (const auto& packet : kPackets) {
    ::PostQueuedCompletionStatus(SpySys::port(), 1, packet.key,
                                 packet.overlapped);
    EXPECT_TRUE(TakeAll().empty());
    EXPECT_FALSE(call.done());
  }
}

// Rows S1 to S8: the whole key is compared.
TEST_F(Iocp, APacketUnderAStaleKeyIsDropped) {
  Ends ends;
  ASSERT_EQ(backend_.Open(ends.own(), Key(1)), 0);
  Call call(backend_, ends.own(), Key(1), Mode::kRead);
  ASSERT_TRUE(call.Receive().pending);
  const EventKey stale[] = {
      EventKey::ForSlot(Key(1).index(), Key(1).generation() - 1),
      EventKey::ForSlot(Key(1).index() - 1, Key(1).generation()),
      EventKey::ForSlot(Key(1).index(), 1),
  };
  for (const EventKey key : stale) {
    ::PostQueuedCompletionStatus(SpySys::port(), 1, key.bits(),
                                 call.operation()->overlapped());
    EXPECT_TRUE(TakeAll().empty());
    EXPECT_FALSE(call.done());
  }
  ends.Send();
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_EQ(call.Finish().bytes, 1u);
}

// One packet, however many breaks.
TEST_F(Iocp, ManyBreaksPostOnePacket) {
  for (int i = 0; i < 1000; ++i) backend_.Break();
  EXPECT_TRUE(Poll(Delta::Forever()).empty());
  OVERLAPPED_ENTRY entry;
  EXPECT_EQ(SpySys::Dequeue(SpySys::port(), &entry, 1, 0), -WAIT_TIMEOUT);
}

// --- Misuse stops the process ------------------------------------------------

TEST_F(IocpDeathTest, AnOperationUnderWayIsNotGivenBack) {
  EXPECT_DEATH(
      {
        Ends ends;
        backend_.Open(ends.own(), Key(1));
        Call call(backend_, ends.own(), Key(1), Mode::kRead);
        call.Receive();
      },
      "netpoll: an operation was given back while it was under way");
}

TEST_F(IocpDeathTest, AnOperationUnderWayIsNotBegunAgain) {
  EXPECT_DEATH(
      {
        Ends ends;
        backend_.Open(ends.own(), Key(1));
        Call call(backend_, ends.own(), Key(1), Mode::kRead);
        call.Receive();
        call.Receive();
      },
      "netpoll: an operation was begun before the last one had ended");
}

TEST_F(IocpDeathTest, AResultIsNotTakenBeforeTheEnd) {
  EXPECT_DEATH(
      {
        Ends ends;
        backend_.Open(ends.own(), Key(1));
        Call call(backend_, ends.own(), Key(1), Mode::kRead);
        call.Receive();
        static_cast<void>(call.Finish());
      },
      "netpoll: the result of an operation was taken too early");
}

TEST_F(IocpDeathTest, APollerWithAnOperationUnderWayIsNotDestroyed) {
  EXPECT_DEATH(
      {
        Ends ends;
        Backend backend;
        backend.Init();
        backend.Open(ends.own(), Key(1));
        char buffer[8];
        IocpReceive(backend, ends.own(),
                    backend.NewOperation(Key(1), Mode::kRead), buffer,
                    sizeof(buffer));
      },
      "netpoll: a Poller was destroyed while an operation was under way");
}

}  // namespace
}  // namespace netpoll::conformance
