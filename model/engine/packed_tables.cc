// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/packed_tables.h"

namespace netpoll::model {
namespace {

bool OnlyReads(Op op) { return op == Op::kLoad || op == Op::kGet; }

}  // namespace

PackedTables::PackedTables(Tabulator& tables) : tables_(tables) {
  const std::vector<ClassTable> minimised = Minimise(tables);
  const int threads = tables.thread_count();
  for (const ClassTable& table : minimised) {
    local_states_ += static_cast<int>(table.classes.size());
    thread_fields_.push_back(layout_.New(table.classes.size()));
  }
  for (const Object* object : tables.slot_objects()) {
    slot_fields_.push_back(layout_.New(object->value_count()));
  }
  if (!layout_.fits()) return;
  locals_.resize(threads);
  members_.resize(threads);
  for (int thread = 0; thread < threads; ++thread) {
    const ClassTable& table = minimised[thread];
    locals_[thread].resize(table.classes.size());
    for (std::size_t i = 0; i < table.classes.size(); ++i) {
      members_[thread].push_back(table.classes[i].member);
      AddEntries(thread, table, static_cast<int>(i));
    }
    FindLater(thread, table);
    initial_ |= thread_fields_[thread].Put(
        static_cast<std::uint32_t>(table.class_of[tables.Start(thread)]));
  }
}

void PackedTables::AddEntries(int thread, const ClassTable& table, int number) {
  const LocalClass& from = table.classes[number];
  const Access& access = tables_.access(from.access);
  Local& local = locals_[thread][number];
  local.first = static_cast<std::uint32_t>(entries_.size());
  local.optional = access.optional;
  local.ends = access.op == Op::kEnd;
  local.stops = from.stops;
  if (local.ends || local.stops) return;
  const auto add = [&](Value response, const Effect& effect, Value value) {
    Entry entry;
    const int to = response < from.next.size() ? from.next[response] : -1;
    // A pair that the search never met can not come up here either.
    if (effect.enabled && to >= 0) {
      entry.enabled = true;
      entry.goes_on = table.classes[to].fused;
      entry.add = thread_fields_[thread].Change(
          static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(to));
      if (access.object != nullptr) {
        entry.add += local.object.Change(value, effect.next);
      }
    }
    entries_.push_back(entry);
  };
  if (access.object == nullptr) {
    local.branches =
        access.op == Op::kChoose ? static_cast<int>(access.number) : 1;
    for (int branch = 0; branch < local.branches; ++branch) {
      add(static_cast<Value>(branch), {}, 0);
    }
    return;
  }
  const int slot = access.object->slot;
  local.object = slot_fields_[slot];
  const std::size_t values = access.object->value_count();
  for (std::size_t value = 0; value <= local.object.mask; ++value) {
    Effect effect{false, 0, 0};
    const KnownAccess& known = tables_.known(from.access);
    if (value < values && value < known.known.size() && known.known[value]) {
      effect = known.effects[value];
    }
    add(effect.response, effect, static_cast<Value>(value));
  }
  // An object with one value has no bits: the entry of value 0 is meant.
  (OnlyReads(access.op) ? local.reads : local.writes) |= std::uint64_t{1}
                                                         << (slot & 63);
}

// Closes over the graph of the thread: what it may still read and write.
void PackedTables::FindLater(int thread, const ClassTable& table) {
  auto& locals = locals_[thread];
  for (Local& local : locals) {
    local.later_reads = local.reads;
    local.later_writes = local.writes;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = locals.size(); i-- > 0;) {
      Local& local = locals[i];
      const auto before = local.later_reads | local.later_writes;
      const auto before_writes = local.later_writes;
      for (const int to : table.classes[i].next) {
        if (to < 0) continue;
        local.later_reads |= locals[to].later_reads;
        local.later_writes |= locals[to].later_writes;
        // A fused access belongs to this step.
        if (table.classes[to].fused) {
          local.reads |= locals[to].reads;
          local.writes |= locals[to].writes;
        }
      }
      changed = changed || before != (local.later_reads | local.later_writes) ||
                before_writes != local.later_writes;
    }
  }
}

void PackedTables::Unpack(PackedKey key, Value* state) const {
  for (int thread = 0; thread < threads(); ++thread) {
    *state++ =
        static_cast<Value>(members_[thread][thread_fields_[thread].Of(key)]);
  }
  for (const KeyField& field : slot_fields_) {
    *state++ = static_cast<Value>(field.Of(key));
  }
}

}  // namespace netpoll::model
