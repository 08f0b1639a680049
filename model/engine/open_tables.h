// SPDX-License-Identifier: Apache-2.0
//
// Tables of a search that finds the automata on its way: as PackedTables, but a
// field for each local state as it was found, and entries that are filled when
// the search first comes to them.

#ifndef NETPOLL_MODEL_ENGINE_OPEN_TABLES_H_
#define NETPOLL_MODEL_ENGINE_OPEN_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/model/engine/key_layout.h"
#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

// A field is too narrow for what was found: go on with wider ones.
struct FieldsTooNarrow {};

class OpenTables {
 public:
  enum class Kind : std::uint8_t { kUnknown, kBlocked, kStep };

  // What a thread does in one local state when it finds one value.
  struct Entry {
    PackedKey add = 0;
    Kind kind = Kind::kUnknown;
    bool goes_on = false;  // The next local state belongs to the same step.
    bool checked = false;  // A law looks at this step: ask the stepper.
  };

  struct Local : KeyStep {
    std::uint32_t count = 0;  // Of its entries, so far.
    bool plain = false;       // Stands before an access to a plain field.
  };

  // Wide enough for what `tables` knows, with room to grow if there is any.
  // `fixed`: nothing is learnt; what is not known is said (kUnknown).
  explicit OpenTables(Tabulator& tables, bool fixed = false);

  bool fits() const { return layout_.fits(); }
  int threads() const { return static_cast<int>(thread_fields_.size()); }
  // Of an unpacked state.
  int width() const {
    return static_cast<int>(thread_fields_.size() + slot_fields_.size());
  }
  PackedKey initial() const { return initial_; }

  const Local& At(PackedKey key, int thread) const {
    return locals_[thread][thread_fields_[thread].Of(key)];
  }

  enum class Taken { kBlocked, kStep, kChecked, kUnknown };

  // The state after a step; runs the code where that is not known, and then
  // what At returned before may have moved.
  Taken Take(PackedKey key, int thread, int branch, PackedKey* next) {
    const KeyField field = thread_fields_[thread];
    const Local* local = &locals_[thread][field.Of(key)];
    std::uint32_t value = local->Value(key, branch);
    bool checked = false;
    for (;;) {
      if (value >= local->count ||
          entries_[local->first + value].kind == Kind::kUnknown) {
        if (!Fill(thread, field.Of(key), value)) return Taken::kUnknown;
        local = &locals_[thread][field.Of(key)];
      }
      const Entry& entry = entries_[local->first + value];
      if (entry.kind == Kind::kBlocked) return Taken::kBlocked;
      key += entry.add;
      checked |= entry.checked;
      if (!entry.goes_on) break;
      local = &locals_[thread][field.Of(key)];
      value = local->object.Of(key);
    }
    *next = key;
    return checked ? Taken::kChecked : Taken::kStep;
  }

  // What the last step lacked that was unknown.
  const Tabulator::Pair& unknown() const { return unknown_; }

  // Threads' fields, then objects': later tables have the same numbers in
  // wider fields, and more objects at the end.
  std::vector<KeyField> Fields() const;

  // The state as the laws see it, of width() values.
  void Unpack(PackedKey key, Value* state) const;
  PackedKey Pack(const Value* state) const;

 private:
  // `room`: bits of every field that nothing needs yet.
  void LayOut(int room);
  void AddLocals(int thread);
  Local MakeLocal(const Node& node) const;
  void MakeRoom(Local& local, std::size_t count);
  // False: it is not known.
  bool Fill(int thread, std::uint32_t number, std::uint32_t value);
  void Put(int thread, std::uint32_t number, std::uint32_t value,
           const Entry& entry);

  Tabulator& tables_;
  const bool fixed_;
  Tabulator::Pair unknown_;
  std::vector<KeyField> thread_fields_;
  std::vector<KeyField> slot_fields_;
  std::vector<std::vector<Local>> locals_;
  std::vector<Entry> entries_;
  PackedKey initial_ = 0;
  KeyLayout layout_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_OPEN_TABLES_H_
