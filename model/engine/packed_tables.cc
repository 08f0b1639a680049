// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/packed_tables.h"

namespace netpoll_model {
namespace {

bool OnlyReads(Op op) { return op == Op::kLoad || op == Op::kGet; }

}  // namespace

PackedTables::PackedTables(Tabulator& tables) : tables_(tables) {
  const std::vector<ClassTable> minimised = Minimise(tables);
  const int threads = tables.thread_count();
  for (const ClassTable& table : minimised) {
    local_states_ += static_cast<int>(table.classes.size());
    thread_fields_.push_back(NewField(table.classes.size()));
  }
  for (const Object* object : tables.slot_objects()) {
    slot_fields_.push_back(NewField(object->value_count()));
  }
  if (bits_ > 127) return;
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
    initial_ |= static_cast<PackedKey>(table.class_of[tables.Start(thread)])
                << thread_fields_[thread].shift;
  }
}

PackedTables::Field PackedTables::NewField(std::size_t values) {
  const int width = static_cast<int>(std::bit_width(values - 1));
  const Field field{bits_, (std::uint32_t{1} << width) - 1};
  bits_ += width;
  return field;
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
  const int thread_shift = thread_fields_[thread].shift;
  const auto add = [&](Value response, const Effect& effect, Value value,
                       int slot_shift) {
    Entry entry;
    const int to = response < from.next.size() ? from.next[response] : -1;
    // A pair that the search never met can not come up here either.
    if (effect.enabled && to >= 0) {
      entry.enabled = true;
      entry.goes_on = table.classes[to].fused;
      entry.add = (static_cast<PackedKey>(to) << thread_shift) -
                  (static_cast<PackedKey>(number) << thread_shift);
      if (access.object != nullptr) {
        entry.add += (static_cast<PackedKey>(effect.next) << slot_shift) -
                     (static_cast<PackedKey>(value) << slot_shift);
      }
    }
    entries_.push_back(entry);
  };
  if (access.object == nullptr) {
    local.branches =
        access.op == Op::kChoose ? static_cast<int>(access.number) : 1;
    for (int branch = 0; branch < local.branches; ++branch) {
      add(static_cast<Value>(branch), {}, 0, 0);
    }
    return;
  }
  const int slot = access.object->slot;
  local.shift = slot_fields_[slot].shift;
  local.mask = slot_fields_[slot].mask;
  const std::size_t values = access.object->value_count();
  for (std::size_t value = 0; value <= local.mask; ++value) {
    Effect effect{false, 0, 0};
    const KnownAccess& known = tables_.known(from.access);
    if (value < values && value < known.known.size() && known.known[value]) {
      effect = known.effects[value];
    }
    add(effect.response, effect, static_cast<Value>(value), local.shift);
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
    const Field& field = thread_fields_[thread];
    state[thread] = static_cast<Value>(
        members_[thread]
                [static_cast<std::uint32_t>(key >> field.shift) & field.mask]);
  }
  for (std::size_t slot = 0; slot < slot_fields_.size(); ++slot) {
    const Field& field = slot_fields_[slot];
    state[threads() + slot] = static_cast<Value>(
        static_cast<std::uint32_t>(key >> field.shift) & field.mask);
  }
}

}  // namespace netpoll_model
