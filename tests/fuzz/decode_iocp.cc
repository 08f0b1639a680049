// SPDX-License-Identifier: Apache-2.0
//
// IOCP: any packets. A packet has a key, the address of an OVERLAPPED and a
// number of bytes; each may be anything.
//
//   - a packet wakes the task of the operation that it is of: the address is
//     that of one under way, and the key is its descriptor's whole key. It
//     wakes it once, and its number of bytes is the operation's;
//   - every other packet changes nothing, and its address is not looked into;
//   - the wake-up is its own key with no address. A poll that blocks takes it,
//     one that does not posts it again; a break posts when none is on its way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {
namespace {

struct IocpScript {
  std::vector<OVERLAPPED_ENTRY> packets;
  int posts = 0;
};

// Lives while a run does; one thread.
IocpScript& script() {
  static IocpScript instance;
  return instance;
}

struct FuzzedIocp {
  static int CreatePort(HANDLE* port) {
    *port = reinterpret_cast<HANDLE>(std::uintptr_t{8});
    return 0;
  }
  static int FileType(Fd) { return FILE_TYPE_PIPE; }
  static int IsSynchronous(Fd) { return 0; }
  static int IsSystemSocket(Fd) { return 1; }
  static int SkipOnSuccess(Fd) { return 0; }
  static int Associate(HANDLE, Fd, std::uint64_t) { return 0; }
  static int Dequeue(HANDLE, OVERLAPPED_ENTRY* entries, ULONG size, DWORD) {
    auto& packets = script().packets;
    if (packets.empty()) return -WAIT_TIMEOUT;
    const auto count = std::min<std::size_t>(packets.size(), size);
    std::copy_n(packets.begin(), count, entries);
    packets.clear();
    return static_cast<int>(count);
  }
  static int Post(HANDLE, std::uint64_t) {
    ++script().posts;
    return 0;
  }
  static int PostFor(HANDLE, std::uint64_t, OVERLAPPED*) { return 0; }
  static int SocketType(Fd) { return SOCK_STREAM; }
  static void Close(HANDLE) {}
  static int Cancel(Fd, OVERLAPPED*) { return 0; }
  static int Outcome(Fd, OVERLAPPED*) { return 0; }
  static int Receive(Fd, void*, ULONG, OVERLAPPED*) { return -WSA_IO_PENDING; }
  static int Send(Fd, const void*, ULONG, OVERLAPPED*) {
    return -WSA_IO_PENDING;
  }
};

constexpr EventKey kWakeKey = EventKey::Internal(0);

class IocpRun {
 public:
  IocpRun(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {
    script() = IocpScript{};
    Require(poller_.Init() == 0, "the backend does not start");
    for (int i = 0; i < kDescriptors; ++i) Open(i);
  }

  void Run() {
    // Each round takes some of the input, so this ends.
    while (!bytes_.empty()) {
      const std::uint32_t what = bytes_.Below(8);
      const auto which = static_cast<int>(bytes_.Below(kDescriptors));
      const int direction = static_cast<int>(bytes_.Below(2));
      if (what == 0) {
        Close(which);
        Open(which);
      }
      if (what == 1) Break();
      if (what >= 2 && what <= 4) Begin(which, direction);
      if (what >= 4) Poll();
    }
    for (int i = 0; i < kDescriptors; ++i) Close(i);
    Require(poller_.waiters() == 0, "somebody is still counted");
  }

 private:
  using Backend = IocpBackend<StdEnv, FuzzedIocp>;
  using ThePoller = Poller<Backend>;
  struct Call : Waiter {
    Backend::Operation* operation = nullptr;
    bool parked = false;
    bool expected = false;  // By the packets of this poll.
    std::uint32_t bytes = 0;
  };
  struct Descriptor {
    ThePoller::Desc* desc = nullptr;
    EventKey key = EventKey::FromBits(0);
    Call calls[2];
  };
  static constexpr Mode kModes[] = {Mode::kRead, Mode::kWrite};

  void Open(int which) {
    Descriptor& d = descriptors_[which];
    d.desc = OpenDescriptor(poller_, which, keys_);
    d.key = keys_.live[which];
    for (int i = 0; i < 2; ++i) {
      d.calls[i].operation = poller_.backend().NewOperation(d.key, kModes[i]);
      Require(d.calls[i].operation != nullptr, "no memory");
    }
  }

  // What is under way ends first: its packets come, and are the right ones.
  void Close(int which) {
    Descriptor& d = descriptors_[which];
    for (Call& call : d.calls) {
      if (call.parked) Add(d.key, call.operation->overlapped(), 0);
    }
    Deliver(Delta::NonBlocking());
    for (Call& call : d.calls) {
      Require(!call.parked, "an operation ended, and its task sleeps on");
      poller_.backend().FreeOperation(call.operation);
    }
    Require(poller_.Unblock(d.desc).ready.empty(), "Unblock found somebody");
    Require(poller_.Close(d.desc) == 0, "Close failed");
  }

  void Begin(int which, int direction) {
    Descriptor& d = descriptors_[which];
    Call& call = d.calls[direction];
    if (call.parked) return;
    const Mode mode = kModes[direction];
    Require(poller_.Reset(d.desc, mode) == PollError::kNone, "Reset failed");
    const Fd fd = kFirstFd + which;
    char buffer[1];
    const IocpStarted started =
        direction == 0 ? IocpReceive(poller_.backend(), fd, call.operation,
                                     buffer, sizeof(buffer))
                       : IocpSend(poller_.backend(), fd, call.operation, buffer,
                                  sizeof(buffer));
    Require(started.pending, "a call that is under way is not");
    call.parked = poller_.Park(d.desc, mode, &call).parked();
    Require(call.parked, "a task could not park");
  }

  void Break() {
    const int before = script().posts;
    poller_.Break();
    Require(script().posts - before == (pending_ ? 0 : 1),
            "a break posts once until a poll takes it");
    pending_ = true;
  }

  // One packet, and what it must do.
  void Add(EventKey key, void* overlapped, std::uint32_t bytes) {
    OVERLAPPED_ENTRY entry{};
    entry.lpCompletionKey = key.bits();
    entry.lpOverlapped = static_cast<OVERLAPPED*>(overlapped);
    entry.dwNumberOfBytesTransferred = bytes;
    script().packets.push_back(entry);
    if (key == kWakeKey && overlapped == nullptr) ++wakes_;
    for (Descriptor& d : descriptors_) {
      for (Call& call : d.calls) {
        if (!call.parked || call.expected || d.key != key) continue;
        if (call.operation->overlapped() != overlapped) continue;
        call.expected = true;
        call.bytes = bytes;
      }
    }
  }

  void* DrawAddress() {
    Descriptor& d = descriptors_[bytes_.Below(kDescriptors)];
    OVERLAPPED* const some = d.calls[bytes_.Below(2)].operation->overlapped();
    const auto address = reinterpret_cast<std::uintptr_t>(some);
    switch (bytes_.Below(8)) {
      case 0:
        return nullptr;
      case 1:
        return reinterpret_cast<void*>(std::uintptr_t{bytes_.Long()});
      case 2:  // Into an operation, or past the last.
        return reinterpret_cast<void*>(address + bytes_.Byte());
      case 3:
        return reinterpret_cast<void*>(address ^ std::uintptr_t{1}
                                                     << bytes_.Below(64));
      default:
        return some;
    }
  }

  void Poll() {
    for (std::uint32_t count = bytes_.Below(8); count > 0; --count) {
      const bool own = bytes_.Below(2) == 0;
      const EventKey key = own ? descriptors_[bytes_.Below(kDescriptors)].key
                               : DrawKey(bytes_, keys_, kWakeKey);
      Add(key, DrawAddress(), bytes_.Word());
    }
    Deliver(DrawDelta(bytes_));
  }

  void Deliver(Delta delta) {
    const int before = script().posts;
    PollResult result = poller_.Poll(delta);
    std::int32_t length = 0;
    while (Waiter* const waiter = result.ready.Pop()) {
      ++length;
      Call& call = *static_cast<Call*>(waiter);
      Require(call.parked, "woke somebody who was not parked");
      Require(call.expected, "woke without a packet of its own");
      call.parked = false;
    }
    Require(result.waiters_delta == -length, "the delta is not the length");
    poller_.AdjustWaiters(result.waiters_delta);
    Require(
        script().posts - before == (delta.blocking() ? 0 : wakes_),
        "a poll that does not block posts the wake-up again, others do not");
    if (delta.blocking() && wakes_ != 0) pending_ = false;
    wakes_ = 0;
    std::int32_t parked = 0;
    for (int i = 0; i < kDescriptors; ++i) parked += Settle(i);
    Require(poller_.waiters() == parked, "the count is not what is parked");
  }

  // After a poll. How many tasks of the descriptor are parked.
  int Settle(int which) {
    Descriptor& d = descriptors_[which];
    int parked = 0;
    for (int i = 0; i < 2; ++i) {
      Call& call = d.calls[i];
      if (call.parked) {
        ++parked;
        Require(!call.expected, "slept through its own packet");
        Require(call.operation->in_flight(), "ended without a packet");
        continue;
      }
      if (!call.expected) continue;
      call.expected = false;
      Require(!poller_.Resume(d.desc, kModes[i], &call).parked(),
              "woken for nothing");
      const IoResult ended = IocpFinish(poller_.backend(), kFirstFd + which,
                                        call.operation, PollError::kNone);
      Require(ended.ok() && ended.bytes == call.bytes,
              "the bytes are not the packet's");
    }
    return parked;
  }

  Bytes bytes_;
  ThePoller poller_;
  Descriptor descriptors_[kDescriptors];
  Keys keys_;
  bool pending_ = false;  // A wake-up that nobody has taken.
  int wakes_ = 0;         // Among the packets of this poll.
};

}  // namespace
}  // namespace netpoll::fuzz

NETPOLL_FUZZ_RUN(netpoll::fuzz::IocpRun);
