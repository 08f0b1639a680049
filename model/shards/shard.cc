// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/shards/shard.h"

#include <algorithm>

namespace netpoll::model {
namespace {

constexpr std::size_t kFirstRoom = 1 << 16;

}  // namespace

Shard::Shard(Tabulator& tables, int shards, int number)
    : shards_(shards),
      number_(number),
      open_(tables, /*fixed=*/true),
      stepper_(tables, open_.width()),
      fields_(open_.Fields()),
      state_(static_cast<std::size_t>(open_.width())),
      next_(static_cast<std::size_t>(open_.width())),
      out_(static_cast<std::size_t>(shards)),
      room_(static_cast<std::size_t>(shards), kFirstRoom) {
  thread_bits_ = fields_.size() > static_cast<std::size_t>(open_.threads())
                     ? fields_[static_cast<std::size_t>(open_.threads())].shift
                     : 127;
}

// By numbers, and not by where their bits are: that changes when the tables
// have learnt. What an object held at first is 0, as long as nobody knows it.
int Shard::OwnerOf(PackedKey key) const {
  std::uint64_t sum = 0;
  for (auto i = static_cast<std::size_t>(open_.threads()); i < fields_.size();
       ++i) {
    const std::uint64_t value = fields_[i].Of(key);
    if (value != 0) sum += HashOf(PackedKey{value << 16 | i});
  }
  return static_cast<int>((sum >> 20) % static_cast<std::uint64_t>(shards_));
}

void Shard::Run(std::uint64_t most_states) {
  std::vector<PackedKey> more;
  for (;;) {
    queue_.Take(more);
    level_.insert(level_.end(), more.begin(), more.end());
    if (level_.empty()) break;
    for (const PackedKey key : level_) {
      if (!FindSteps(key)) {
        waiting_.push_back(key);
        continue;
      }
      Expand(key);
      if (stepper_.broken()) return;
    }
    level_.clear();
    if (queue_.size() > most_states) break;
  }
  for (std::vector<PackedKey>& list : out_) SortOut(list);
  for (const auto& list : out_) counts.sent += list.size();
}

bool Shard::FindSteps(PackedKey key) {
  steps_.clear();
  plain_ = false;
  bool known = true;
  for (int thread = 0; thread < open_.threads(); ++thread) {
    const OpenTables::Local local = open_.At(key, thread);
    if (local.stops) {  // The end of this story.
      steps_.clear();
      return true;
    }
    plain_ = plain_ || local.plain;
    if (local.ends) continue;
    for (int branch = 0; branch < local.branches; ++branch) {
      PackedKey next;
      const OpenTables::Taken taken = open_.Take(key, thread, branch, &next);
      if (taken == OpenTables::Taken::kBlocked) continue;
      if (taken == OpenTables::Taken::kUnknown) {
        pairs_.insert(open_.unknown());
        known = false;
        continue;
      }
      steps_.push_back({next, static_cast<std::uint8_t>(thread),
                        static_cast<std::uint8_t>(branch),
                        taken == OpenTables::Taken::kChecked, local.optional});
    }
  }
  return known;
}

void Shard::Expand(PackedKey key) {
  open_.Unpack(key, state_.data());
  ++counts.states;
  stepper_.CheckState(state_.data());
  if (stepper_.broken() || stepper_.Stopped(state_.data())) return;
  bool rests = true;
  for (const Next& step : steps_) {
    ++counts.transitions;
    if (plain_ || step.checked) {
      stepper_.Take(state_.data(), step.thread, step.branch, next_.data());
      if (stepper_.broken()) return;
    }
    rests = rests && step.optional;
    Send(key, step.key);
  }
  if (!rests) return;
  ++counts.at_rest;
  stepper_.CheckRest(state_.data());
}

void Shard::Send(PackedKey from, PackedKey key) {
  const bool same = (from >> thread_bits_) == (key >> thread_bits_);
  const int owner = shards_ == 1 || same ? number_ : OwnerOf(key);
  if (owner == number_) {
    queue_.Offer(key);
    return;
  }
  std::vector<PackedKey>& list = out_[static_cast<std::size_t>(owner)];
  list.push_back(key);
  std::size_t& room = room_[static_cast<std::size_t>(owner)];
  if (list.size() < room) return;
  SortOut(list);
  room = std::max(kFirstRoom, list.size() * 2);
}

// Each once.
void Shard::SortOut(std::vector<PackedKey>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace netpoll::model
