// SPDX-License-Identifier: Apache-2.0
//
// What the event ports backend knows of each descriptor, found by its number:
// under which key it is registered, and which directions the port is to
// report. Every entry has a lock of its own, so that threads that arm
// different descriptors don't meet.
//
// Guarded by an entry's lock: its state. Lock-free: Find and FindOrMake, from
// any thread, for any number. Entries never move and go with the table.
//
//   chunk pointer   null -> a chunk of empty entries. Whoever needs it first
//                   moves it: an acq_rel compare-exchange that publishes the
//                   entries; a loser frees its own. Loads acquire.

#ifndef NETPOLL_BACKENDS_EVENT_PORTS_FD_TABLE_H_
#define NETPOLL_BACKENDS_EVENT_PORTS_FD_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class Env>
class FdTable {
 public:
  struct State {
    EventKey key = EventKey::FromBits(0);  // 0: not registered.
    int interest = 0;

    bool registered() const { return key.bits() != 0; }
  };
  struct Entry {
    typename Env::Lock lock;
    typename Env::template Var<State> state;
  };

  FdTable() = default;
  FdTable(const FdTable&) = delete;
  FdTable& operator=(const FdTable&) = delete;
  ~FdTable() {
    for (auto& chunk : chunks_) {
      delete[] chunk.Load("fds.free_chunk", Order::kRelaxed);
    }
  }

  // Null if there is none.
  Entry* Find(Fd fd) {
    if (fd < 0) return nullptr;
    const Position at = Locate(fd);
    Entry* const chunk = chunks_[at.chunk].Load("fds.find", Order::kAcquire);
    return chunk == nullptr ? nullptr : chunk + at.offset;
  }

  // Null if there is no memory, or `fd` is negative.
  Entry* FindOrMake(Fd fd) {
    if (fd < 0) return nullptr;
    if (Entry* const found = Find(fd)) return found;
    const Position at = Locate(fd);
    Entry* const made =
        new (std::nothrow) Entry[std::size_t{kFirstChunk} << at.chunk];
    if (made == nullptr) return nullptr;
    if (!chunks_[at.chunk].CompareExchange("fds.publish", nullptr, made,
                                           Order::kAcqRel)) {
      delete[] made;
    }
    return Find(fd);
  }

 private:
  // Chunk k has kFirstChunk << k entries and begins at kFirstChunk * (2^k - 1).
  static constexpr std::uint32_t kFirstChunk = 64;
  static constexpr std::size_t kChunks = 26;

  struct Position {
    std::size_t chunk;
    std::uint32_t offset;
  };

  static constexpr Position Locate(Fd fd) {
    const auto number = static_cast<std::uint32_t>(fd);
    const auto chunk =
        static_cast<std::size_t>(std::bit_width(number / kFirstChunk + 1) - 1);
    return {chunk, number - kFirstChunk * ((1u << chunk) - 1)};
  }
  static_assert(Locate(0).chunk == 0 && Locate(63).offset == 63);
  static_assert(Locate(64).chunk == 1 && Locate(64).offset == 0);
  static_assert(Locate(191).chunk == 1 && Locate(192).chunk == 2);
  static_assert(Locate(0x7fff'ffff).chunk < kChunks);

  typename Env::template Atomic<Entry*> chunks_[kChunks];
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EVENT_PORTS_FD_TABLE_H_
