// SPDX-License-Identifier: Apache-2.0
//
// The tables of the full search: where each thread and each object has its bits
// in a key, and what each step adds to it.

#ifndef NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_
#define NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_

#include <cstdint>
#include <vector>

#include "netpoll/model/engine/key_layout.h"
#include "netpoll/model/engine/minimise.h"
#include "netpoll/model/engine/stepper.h"

namespace netpoll::model {

class PackedTables {
 public:
  // What a thread does in one local state when it finds one value.
  struct Entry {
    PackedKey add = 0;
    bool enabled = false;
    bool goes_on = false;  // The next local state belongs to the same step.
  };

  struct Local : KeyStep {
    // Objects (by slot) of this step, and of all that may follow.
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t later_reads = 0;
    std::uint64_t later_writes = 0;
  };

  explicit PackedTables(Tabulator& tables);

  int bits() const { return layout_.bits(); }
  bool fits() const { return layout_.fits(); }
  int local_states() const { return local_states_; }
  int threads() const { return static_cast<int>(locals_.size()); }
  PackedKey initial() const { return initial_; }

  const Local& At(PackedKey key, int thread) const {
    return locals_[thread][thread_fields_[thread].Of(key)];
  }

  // The state after a step, or false if the thread is blocked. Entries of the
  // branches of a choice follow each other.
  bool Take(PackedKey key, int thread, const Local& local, int branch,
            PackedKey* next) const {
    const Entry* entry = &entries_[local.first + local.Value(key, branch)];
    if (!entry->enabled) return false;
    key += entry->add;
    while (entry->goes_on) {
      const Local& more = At(key, thread);
      entry = &entries_[more.first + more.object.Of(key)];
      key += entry->add;
    }
    *next = key;
    return true;
  }

  // The state as the laws see it.
  void Unpack(PackedKey key, Value* state) const;

 private:
  void AddEntries(int thread, const ClassTable& table, int number);
  void FindLater(int thread, const ClassTable& table);

  Tabulator& tables_;
  std::vector<KeyField> thread_fields_;
  std::vector<KeyField> slot_fields_;
  std::vector<std::vector<Local>> locals_;
  std::vector<std::vector<int>> members_;
  std::vector<Entry> entries_;
  PackedKey initial_ = 0;
  KeyLayout layout_;
  int local_states_ = 0;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_PACKED_TABLES_H_
