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

#include <cstddef>
#include <cstdint>
#include <new>

#include "netpoll/core/chunks.h"
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
    friend bool operator==(const State&, const State&) = default;
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
    const chunks::Position at = Locate(fd);
    Entry* const chunk = chunks_[at.chunk].Load("fds.find", Order::kAcquire);
    return chunk == nullptr ? nullptr : chunk + at.offset;
  }

  // Null if there is no memory, or `fd` is negative.
  Entry* FindOrMake(Fd fd) {
    if (fd < 0) return nullptr;
    if (Entry* const found = Find(fd)) return found;
    const chunks::Position at = Locate(fd);
    Entry* const made = new (std::nothrow) Entry[chunks::SizeOf(at.chunk)];
    if (made == nullptr) return nullptr;
    if (!chunks_[at.chunk].CompareExchange("fds.publish", nullptr, made,
                                           Order::kAcqRel)) {
      delete[] made;
    }
    return Find(fd);
  }

 private:
  static constexpr std::size_t kChunks = 26;  // For all of an int's numbers.

  static constexpr chunks::Position Locate(Fd fd) {
    return chunks::Locate(static_cast<std::uint32_t>(fd));
  }
  static_assert(Locate(0x7fff'ffff).chunk < kChunks);

  typename Env::template Atomic<Entry*> chunks_[kChunks];
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EVENT_PORTS_FD_TABLE_H_
