// SPDX-License-Identifier: Apache-2.0
//
// The rounds of a search in shards (shard.h): the first tables, one round of
// one shard, and a driver that has a process for each shard of a round.

#ifndef NETPOLL_MODEL_SHARDS_ROUNDS_H_
#define NETPOLL_MODEL_SHARDS_ROUNDS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/shards/shard_files.h"

namespace netpoll::model {

struct ShardPlan {
  const Scenario* scenario = nullptr;
  int shards = 2;
  std::string folder;  // Of the files.

  std::string Known(int round, int shard) const;
  std::string To(int round, int from, int shard) const;
  std::string Pairs(int round, int shard) const;
};

// Round 0: explores so many states in this process to learn what threads do,
// and sends the first state to whom it belongs.
void MakeTables(const ShardPlan& plan, std::uint64_t states);

// A round from 1 on of a shard. The law that is broken, or empty. Throws
// ShardFileError.
std::string RunRound(const ShardPlan& plan, int round, int shard);

struct ShardTotal {
  bool finished = false;  // No list has a state, and no state waits.
  ShardCounts counts;
  std::uint64_t bytes_sent = 0;  // In this round.
  std::uint64_t bytes_known = 0;
  std::uint64_t waiting = 0;
  int bytes = 0;  // Of a state.
};
// After a round of all shards.
ShardTotal TotalOf(const ShardPlan& plan, int round);

struct ShardRun {
  std::string violation;
  std::string failure;  // Of a file, or of a process.
  ShardTotal total;     // After the last round.
  int rounds = 0;
  std::uint64_t bytes_sent = 0;  // In all rounds.
};
// All rounds, each in one process for each shard; the files of a round are
// removed when the next one has ended. `told` after each round.
ShardRun RunShards(const ShardPlan& plan, std::uint64_t first_states,
                   const std::function<void(int, const ShardTotal&)>& told);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SHARDS_ROUNDS_H_
