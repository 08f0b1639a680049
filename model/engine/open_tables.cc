// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/open_tables.h"

#include <algorithm>

namespace netpoll::model {
OpenTables::OpenTables(Tabulator& tables, bool fixed)
    : tables_(tables), fixed_(fixed) {
  for (int room = fixed ? 0 : 3; room >= 0; --room) {
    LayOut(room);
    if (fits()) break;
  }
  if (!fits()) return;
  locals_.resize(threads());
  for (int thread = 0; thread < threads(); ++thread) {
    AddLocals(thread);
    initial_ |= thread_fields_[thread].Put(
        static_cast<std::uint32_t>(tables_.Start(thread)));
  }
}

void OpenTables::LayOut(int room) {
  layout_ = {};
  thread_fields_.clear();
  slot_fields_.clear();
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    // Local states grow more than values do.
    thread_fields_.push_back(
        layout_.New(tables_.nodes(thread).size(), 2 * room));
  }
  for (const Object* object : tables_.slot_objects()) {
    slot_fields_.push_back(layout_.New(object->value_count(), room));
  }
  // Objects that nobody has touched yet.
  for (int more = 0; more < 2 * room; ++more) {
    slot_fields_.push_back(layout_.New(1, room));
  }
}

// Those that the tabulator has found since.
void OpenTables::AddLocals(int thread) {
  const std::vector<Node>& nodes = tables_.nodes(thread);
  std::vector<Local>& locals = locals_[thread];
  if (nodes.size() > std::size_t{thread_fields_[thread].mask} + 1) {
    throw FieldsTooNarrow{};
  }
  while (locals.size() < nodes.size()) {
    locals.push_back(MakeLocal(nodes[locals.size()]));
  }
}

OpenTables::Local OpenTables::MakeLocal(const Node& node) const {
  const Access& access = tables_.access(node.access);
  Local local;
  local.optional = access.optional;
  local.ends = access.op == Op::kEnd;
  local.stops = node.stops;
  local.plain = access.op == Op::kGet || access.op == Op::kSet;
  if (access.op == Op::kChoose) {
    local.branches = static_cast<int>(access.number);
  }
  if (access.object != nullptr) {
    const auto slot = static_cast<std::size_t>(access.object->slot);
    if (slot >= slot_fields_.size()) throw FieldsTooNarrow{};
    local.object = slot_fields_[slot];
  }
  return local;
}

// Close together: most of a search's time is spent on what is far apart.
void OpenTables::MakeRoom(Local& local, std::size_t count) {
  if (count <= local.count) return;
  const std::size_t first = entries_.size();
  entries_.resize(first + count);
  std::copy_n(entries_.begin() + local.first, local.count,
              entries_.begin() + static_cast<std::ptrdiff_t>(first));
  local.first = static_cast<std::uint32_t>(first);
  local.count = static_cast<std::uint32_t>(count);
}

bool OpenTables::Fill(int thread, std::uint32_t number, std::uint32_t value) {
  const int local = static_cast<int>(number);
  if (fixed_) {
    unknown_ = {static_cast<std::uint16_t>(thread),
                static_cast<std::uint16_t>(number), static_cast<Value>(value)};
    if (!tables_.Knows(unknown_)) return false;
  }
  const int id = tables_.node(thread, local).access;
  const KnownAccess& known = tables_.known(id);
  const Access& access = known.access;
  const bool watched = known.watched || access.wakes >= 0;
  Entry entry;
  Effect effect{true, 0, static_cast<Value>(value)};
  int broken = -1;
  if (access.object != nullptr) {
    effect = tables_.EffectOf(id, static_cast<Value>(value), &broken);
    if (!effect.enabled) {
      entry.kind = Kind::kBlocked;
      Put(thread, number, value, entry);
      return true;
    }
    const KeyField& field = slot_fields_[access.object->slot];
    if (effect.next > field.mask) throw FieldsTooNarrow{};
    entry.add = field.Change(value, effect.next);
  }
  const int to = tables_.Next(thread, local, effect.response);
  AddLocals(thread);
  const Node& next = tables_.node(thread, to);
  entry.add +=
      thread_fields_[thread].Change(number, static_cast<std::uint32_t>(to));
  entry.kind = Kind::kStep;
  entry.goes_on = next.fused && next.violation < 0;
  entry.checked = watched || broken >= 0 || next.violation >= 0;
  Put(thread, number, value, entry);
  return true;
}

void OpenTables::Put(int thread, std::uint32_t number, std::uint32_t value,
                     const Entry& entry) {
  const Access& access =
      tables_.access(tables_.node(thread, static_cast<int>(number)).access);
  Local& local = locals_[thread][number];
  MakeRoom(local, access.object != nullptr
                      ? access.object->value_count()
                      : static_cast<std::size_t>(local.branches));
  entries_[local.first + value] = entry;
}

std::vector<KeyField> OpenTables::Fields() const {
  std::vector<KeyField> fields = thread_fields_;
  fields.insert(fields.end(), slot_fields_.begin(), slot_fields_.end());
  return fields;
}

void OpenTables::Unpack(PackedKey key, Value* state) const {
  for (const KeyField& field : thread_fields_) {
    *state++ = static_cast<Value>(field.Of(key));
  }
  for (const KeyField& field : slot_fields_) {
    *state++ = static_cast<Value>(field.Of(key));
  }
}

PackedKey OpenTables::Pack(const Value* state) const {
  PackedKey key = 0;
  for (const KeyField& field : thread_fields_) {
    key |= field.Put(*state++);
  }
  for (const KeyField& field : slot_fields_) {
    key |= field.Put(*state++);
  }
  return key;
}

}  // namespace netpoll::model
