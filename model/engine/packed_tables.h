// SPDX-License-Identifier: Apache-2.0
//
// The tables of the fast search: where each thread and each object has its bits
// in a key, and what each step adds to it.

#ifndef NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_
#define NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_

#include <bit>
#include <cstdint>
#include <vector>

#include "netpoll/model/engine/packed.h"
#include "netpoll/model/engine/stepper.h"

namespace netpoll_model {

class PackedTables {
 public:
  // What a thread does in one local state when it finds one value.
  struct Entry {
    PackedKey add = 0;
    bool enabled = false;
    bool goes_on = false;  // The next local state belongs to the same step.
  };

  struct Local {
    std::uint32_t first = 0;  // Of its entries.
    int shift = 0;            // Of the object's bits.
    std::uint32_t mask = 0;   // 0: no object.
    int branches = 1;
    bool optional = false;
    bool ends = false;
    bool stops = false;
    // Objects (by slot) of this step, and of all that may follow.
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t later_reads = 0;
    std::uint64_t later_writes = 0;
  };

  explicit PackedTables(Tabulator& tables);

  int bits() const { return bits_; }
  int local_states() const { return local_states_; }
  int threads() const { return static_cast<int>(locals_.size()); }
  PackedKey initial() const { return initial_; }

  const Local& At(PackedKey key, int thread) const {
    const Field& field = thread_fields_[thread];
    return locals_[thread]
                  [static_cast<std::uint32_t>(key >> field.shift) & field.mask];
  }

  // The state after a step, or false if the thread is blocked. Entries of the
  // branches of a choice follow each other.
  bool Take(PackedKey key, int thread, const Local& local, int branch,
            PackedKey* next) const {
    const std::uint32_t value =
        local.mask == 0
            ? static_cast<std::uint32_t>(branch)
            : static_cast<std::uint32_t>(key >> local.shift) & local.mask;
    const Entry* entry = &entries_[local.first + value];
    if (!entry->enabled) return false;
    key += entry->add;
    while (entry->goes_on) {
      const Local& more = At(key, thread);
      entry = &entries_[more.first +
                        (static_cast<std::uint32_t>(key >> more.shift) &
                         more.mask)];
      key += entry->add;
    }
    *next = key;
    return true;
  }

  // The state as the laws see it.
  void Unpack(PackedKey key, Value* state) const;

 private:
  struct Field {
    int shift = 0;
    std::uint32_t mask = 0;
  };

  Field NewField(std::size_t values);
  void AddEntries(int thread, const ClassTable& table, int number);
  void FindLater(int thread, const ClassTable& table);

  Tabulator& tables_;
  std::vector<Field> thread_fields_;
  std::vector<Field> slot_fields_;
  std::vector<std::vector<Local>> locals_;
  std::vector<std::vector<int>> members_;
  std::vector<Entry> entries_;
  PackedKey initial_ = 0;
  int bits_ = 0;
  int local_states_ = 0;
};

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_
