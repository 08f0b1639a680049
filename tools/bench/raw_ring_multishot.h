// SPDX-License-Identifier: Apache-2.0
//
// RawRing's other way to receive: one request for the life of a connection
// (multishot), into buffers that the ring was given for all of them. What it
// gets is sent from that buffer, which then goes back. To be held against
// RawRing, which asks for each message. Linux 6.0 for multishot.

#ifndef NETPOLL_TOOLS_BENCH_RAW_RING_MULTISHOT_H_
#define NETPOLL_TOOLS_BENCH_RAW_RING_MULTISHOT_H_

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/raw_ring.h"
#include "netpoll/tools/bench/sockets.h"

namespace netpoll::bench {

// The buffers that a ring takes from: a table that it shares with the kernel.
class ProvidedBuffers {
 public:
  static constexpr unsigned kGroup = 0;
  static constexpr unsigned kCount = 1024;
  static constexpr std::size_t kSize = 16384;

  template <class Ring>
  explicit ProvidedBuffers(Ring& ring)
      : table_(static_cast<io_uring_buf*>(Map(kCount * sizeof(io_uring_buf)))),
        bytes_(static_cast<char*>(Map(kCount * kSize))) {
    io_uring_buf_reg provided{};
    provided.ring_addr = reinterpret_cast<std::uintptr_t>(table_);
    provided.ring_entries = kCount;
    provided.bgid = kGroup;
    const int error = -ring.Register(IORING_REGISTER_PBUF_RING, &provided, 1);
    errno = error;
    if (error > 0) DieErrno("io_uring_register");
    for (unsigned i = 0; i < kCount; ++i) Give(static_cast<std::uint16_t>(i));
  }
  // As long as the process.
  ProvidedBuffers(const ProvidedBuffers&) = delete;
  ProvidedBuffers& operator=(const ProvidedBuffers&) = delete;

  char* At(std::uint16_t number) { return bytes_ + number * kSize; }

  void Give(std::uint16_t number) {
    io_uring_buf& place = table_[tail_ & (kCount - 1)];
    place.addr = reinterpret_cast<std::uintptr_t>(At(number));
    place.len = kSize;
    place.bid = number;
    ++tail_;
    // The tail is where the first entry has its unused field.
    __atomic_store_n(&table_[0].resv, tail_, __ATOMIC_RELEASE);
  }

 private:
  static void* Map(std::size_t size) {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) DieErrno("mmap");
    return at;
  }

  io_uring_buf* const table_;
  char* const bytes_;
  std::uint16_t tail_ = 0;
};

class RawMultishotRing : public AcceptingRing<RawMultishotRing> {
 public:
  explicit RawMultishotRing(int listener)
      : AcceptingRing(listener), buffers_(ring_) {}

 private:
  friend AcceptingRing;

  static constexpr int kNone = -1;

  struct Connection {
    int fd;
    bool receives;      // The kernel has its request.
    bool ended;         // Nothing more comes.
    bool starved;       // In `starved_`.
    int first = kNone;  // Buffers to be sent, the first of them now.
    int last = kNone;
  };
  // Of a buffer that is to be sent.
  struct Filled {
    std::uint32_t begin, end;
    int next;
  };

  // The lowest bit tells a send's completion from a receive's.
  io_uring_sqe* NextOf(Connection* of, bool sends, std::uint8_t opcode) {
    return Next(reinterpret_cast<std::uintptr_t>(of) | (sends ? 1 : 0), opcode,
                of->fd);
  }

  void Receive(Connection* to) {
    to->receives = true;
    io_uring_sqe* const request = NextOf(to, false, IORING_OP_RECV);
    request->ioprio = IORING_RECV_MULTISHOT;
    request->flags = IOSQE_BUFFER_SELECT;
    request->buf_group = ProvidedBuffers::kGroup;
  }

  void Send(Connection* from) {
    const Filled& filled = filled_[from->first];
    io_uring_sqe* const request = NextOf(from, true, IORING_OP_SEND);
    request->addr = reinterpret_cast<std::uintptr_t>(
        buffers_.At(static_cast<std::uint16_t>(from->first)) + filled.begin);
    request->len = filled.end - filled.begin;
    request->msg_flags = MSG_NOSIGNAL;
  }

  void Completed(const io_uring_cqe& completion) {
    const bool sends = (completion.user_data & 1) != 0;
    auto* const connection =
        reinterpret_cast<Connection*>(completion.user_data & ~std::uint64_t{1});
    if (connection == nullptr) return AcceptCompleted(completion);
    sends ? Sent(connection, completion.res) : Received(connection, completion);
  }

  void Received(Connection* to, const io_uring_cqe& completion) {
    if ((completion.flags & IORING_CQE_F_MORE) == 0) to->receives = false;
    if (completion.res > 0) {
      const auto number =
          static_cast<int>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
      filled_[number] = {0, static_cast<std::uint32_t>(completion.res), kNone};
      const bool idle = to->first == kNone;
      (idle ? to->first : filled_[to->last].next) = number;
      to->last = number;
      if (idle) Send(to);
    } else if (completion.res == -ENOBUFS) {
      to->starved = true;
      return starved_.push_back(to);
    } else {
      to->ended = true;
    }
    if (!to->receives && !to->ended) Receive(to);
    End(to);
  }

  void Sent(Connection* from, int result) {
    const int number = from->first;
    Filled& filled = filled_[number];
    if (result > 0) filled.begin += static_cast<std::uint32_t>(result);
    if (result > 0 && filled.begin < filled.end) return Send(from);
    from->first = filled.next;
    GiveBack(number);
    if (result <= 0) {
      from->ended = true;
      // Its receive ends too.
      if (from->receives) ::shutdown(from->fd, SHUT_RDWR);
      for (int next = from->first; next != kNone; next = from->first) {
        from->first = filled_[next].next;
        GiveBack(next);
      }
    }
    if (from->first != kNone) return Send(from);
    End(from);
  }

  void GiveBack(int number) {
    buffers_.Give(static_cast<std::uint16_t>(number));
    if (starved_.empty()) return;
    Connection* const waits = starved_.back();
    starved_.pop_back();
    waits->starved = false;
    waits->ended ? End(waits) : Receive(waits);
  }

  void End(Connection* it) {
    if (!it->ended || it->receives || it->starved || it->first != kNone) return;
    ::close(it->fd);
    delete it;
  }

  void Accepted(int fd) {
    SetNoDelay(fd);
    Receive(new Connection{fd, false, false, false});
  }

  ProvidedBuffers buffers_;
  Filled filled_[ProvidedBuffers::kCount];
  std::vector<Connection*> starved_;
};

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_RAW_RING_MULTISHOT_H_
