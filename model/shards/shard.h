// SPDX-License-Identifier: Apache-2.0
//
// A search that is too large for one machine, by a partition of the states:
// each belongs to one of N shards, by a hash of what its objects hold, so a
// step that only looks at something leads to a state of the same shard.
//
// It goes in rounds. In each, every shard is given the states that others have
// come to and that belong to it, goes on from those that are new until nothing
// new of its own is left, and has a list of states for each other shard. When
// no list has a state, everything was seen: each state by one shard, once.
//
// The tables of the threads must have the same numbers in all shards. So nobody
// learns during a round: what a thread does in a situation that is not in the
// tables is a *pair* (Tabulator::Pair) for the shard's list, and the state that
// needs it waits. Before the next round every shard learns all pairs of all
// shards, in one order.
//
// A round of a shard needs the files of the round before, and nothing else
// (shard_files.h): it is an action of a build, here or on another machine.

#ifndef NETPOLL_MODEL_SHARDS_SHARD_H_
#define NETPOLL_MODEL_SHARDS_SHARD_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "netpoll/model/engine/key_set.h"
#include "netpoll/model/engine/open_tables.h"
#include "netpoll/model/engine/stepper.h"
#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

// What a shard has counted since the first round.
struct ShardCounts {
  std::uint64_t states = 0;  // Whose steps were all taken.
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;
  std::uint64_t sent = 0;  // States, to others.
};

class Shard {
 public:
  // `tables` have learnt what was found before this round.
  Shard(Tabulator& tables, int shards, int number);

  // False: a state has more than 127 bits.
  bool fits() const { return open_.fits(); }
  const OpenTables& open() const { return open_; }

  void Reserve(std::uint64_t states) { queue_.Reserve(states); }
  // Of the rounds before: a state whose steps were taken, and one that waited
  // for a pair. Of others: one that somebody has come to.
  void Know(PackedKey key) { queue_.Know(key); }
  void Wait(PackedKey key) {
    queue_.Know(key);
    level_.push_back(key);
  }
  void Receive(PackedKey key) { queue_.Offer(key); }

  int OwnerOf(PackedKey key) const;

  // A round, or until there are that many states.
  void Run(std::uint64_t most_states = UINT64_MAX);

  const std::string& violation() const { return stepper_.violation(); }
  std::uint64_t size() const { return queue_.size(); }
  // Each state known to this shard.
  template <class Function>
  void EachState(Function function) {
    queue_.Each(function);
  }
  const std::vector<PackedKey>& waiting() const { return waiting_; }
  const std::set<Tabulator::Pair>& pairs() const { return pairs_; }
  const std::vector<PackedKey>& For(int shard) const { return out_[shard]; }

  ShardCounts counts;

 private:
  struct Next {
    PackedKey key;
    std::uint8_t thread;
    std::uint8_t branch;
    bool checked;
    bool optional;
  };

  // False: it needs pairs that are not in the tables.
  bool FindSteps(PackedKey key);
  void Expand(PackedKey key);
  void Send(PackedKey from, PackedKey key);
  void SortOut(std::vector<PackedKey>& list);

  const int shards_;
  const int number_;
  OpenTables open_;
  Stepper stepper_;
  const std::vector<KeyField> fields_;
  int thread_bits_ = 0;
  std::vector<Value> state_;
  std::vector<Value> next_;
  KeyQueue queue_;
  std::vector<PackedKey> level_;
  std::vector<Next> steps_;
  bool plain_ = false;  // A thread stands before a plain field.
  std::vector<PackedKey> waiting_;
  std::set<Tabulator::Pair> pairs_;
  std::vector<std::vector<PackedKey>> out_;
  std::vector<std::size_t> room_;  // Sorted out when that large.
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SHARDS_SHARD_H_
