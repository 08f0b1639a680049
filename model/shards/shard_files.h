// SPDX-License-Identifier: Apache-2.0
//
// What a shard leaves for the next round.
//
//   known.R.S   every state that shard S knows after round R, those that wait
//               for a pair once more behind them, and what it has counted
//   to.R.S.T    states that S came to in round R and that belong to T
//   pairs.R.S   pairs that S met in round R and that the tables lacked. Round 0
//               is the tables' own: the first search, of one process
//
// A state in a file is its key's bytes, as many as are needed; the file's head
// says how many bits each thread and each object has, since later tables have
// more. What is wrong with a file is said in one sentence, with its name.

#ifndef NETPOLL_MODEL_SHARDS_SHARD_FILES_H_
#define NETPOLL_MODEL_SHARDS_SHARD_FILES_H_

#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "netpoll/model/engine/key_layout.h"
#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/shards/shard.h"

namespace netpoll::model {

struct ShardFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The head of a file of states.
struct StatesHead {
  std::vector<int> widths;  // Of the fields, in bits.
  ShardCounts counts;
  std::uint64_t keys = 0;
  std::uint64_t waiting = 0;

  int bytes() const;  // Of a state.
};

class StatesWriter {
 public:
  StatesWriter(const std::string& path, const std::vector<KeyField>& fields,
               const ShardCounts& counts, std::uint64_t keys,
               std::uint64_t waiting);
  StatesWriter(const StatesWriter&) = delete;
  StatesWriter& operator=(const StatesWriter&) = delete;
  ~StatesWriter();

  void Add(PackedKey key);
  void End();  // Everything is in the file.

 private:
  std::string path_;
  std::FILE* file_;
  int bytes_ = 0;
  std::uint64_t left_;
};

StatesHead ReadHead(const std::string& path);

// Calls `take` with each state as `fields` have it, and whether it waits.
StatesHead ReadStates(const std::string& path,
                      const std::vector<KeyField>& fields,
                      const std::function<void(PackedKey, bool)>& take);

// In the order in which they are learnt. `seen`: sites whose old value somebody
// looks at (SiteIsSeen); round 0 alone has some.
struct PairsFile {
  std::vector<Tabulator::Pair> pairs;
  std::set<std::string> seen;
};
void WritePairs(const std::string& path, const PairsFile& found);
PairsFile ReadPairs(const std::string& path);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SHARDS_SHARD_FILES_H_
