// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/shards/rounds.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "netpoll/model/engine/explore.h"

namespace netpoll::model {
namespace {

// How a process of a round ends.
constexpr int kBroken = 1;
constexpr int kFailed = 2;

std::string Numbered(const ShardPlan& plan, const char* what,
                     std::initializer_list<int> numbers) {
  std::string path = plan.folder + "/" + what;
  for (const int number : numbers) path += "." + std::to_string(number);
  return path;
}

void WriteList(const ShardPlan& plan, int round, int from, int to,
               const std::vector<KeyField>& fields,
               const std::vector<PackedKey>& keys) {
  StatesWriter writer(plan.To(round, from, to), fields, {}, keys.size(), 0);
  for (const PackedKey key : keys) writer.Add(key);
  writer.End();
}

// What all shards have found before a round, in one order.
std::vector<Tabulator::Pair> PairsBefore(const ShardPlan& plan, int round) {
  std::vector<Tabulator::Pair> all;
  for (int before = 0; before < round; ++before) {
    for (int shard = 0; shard < (before == 0 ? 1 : plan.shards); ++shard) {
      const PairsFile found = ReadPairs(plan.Pairs(before, shard));
      all.insert(all.end(), found.pairs.begin(), found.pairs.end());
    }
  }
  return all;
}

void WriteRound(const ShardPlan& plan, int round, int number, Shard& shard) {
  const std::vector<KeyField> fields = shard.open().Fields();
  StatesWriter known(plan.Known(round, number), fields, shard.counts,
                     shard.size(), shard.waiting().size());
  shard.EachState([&](PackedKey key) { known.Add(key); });
  for (const PackedKey key : shard.waiting()) known.Add(key);
  known.End();
  for (int to = 0; to < plan.shards; ++to) {
    WriteList(plan, round, number, to, fields, shard.For(to));
  }
  WritePairs(plan.Pairs(round, number),
             {{shard.pairs().begin(), shard.pairs().end()}, {}});
}

// Nothing is to be done: the shard's file as it was, and empty lists.
bool PassOn(const ShardPlan& plan, int round, int number) {
  if (round == 1) return false;
  const StatesHead before = ReadHead(plan.Known(round - 1, number));
  if (before.waiting != 0) return false;
  for (int from = 0; from < plan.shards; ++from) {
    if (ReadHead(plan.To(round - 1, from, number)).keys != 0) return false;
  }
  std::filesystem::copy_file(plan.Known(round - 1, number),
                             plan.Known(round, number),
                             std::filesystem::copy_options::overwrite_existing);
  std::vector<KeyField> fields;
  for (const int width : before.widths) {
    fields.push_back({0, (std::uint32_t{1} << width) - 1});
  }
  for (int to = 0; to < plan.shards; ++to) {
    WriteList(plan, round, number, to, fields, {});
  }
  WritePairs(plan.Pairs(round, number), {});
  return true;
}

void Learn(Tabulator& tables, const std::vector<Tabulator::Pair>& pairs) {
  for (const Tabulator::Pair& pair : pairs) tables.Learn(pair);
}

// Explores alone for a while, as shards do: what is found is learnt, and the
// search goes on from the start with what was learnt.
std::vector<Tabulator::Pair> FirstPairs(Tabulator& tables,
                                        std::uint64_t states) {
  std::vector<Tabulator::Pair> pairs;
  for (;;) {
    Shard alone(tables, 1, 0);
    if (!alone.fits()) throw ShardFileError("a state has more than 127 bits");
    alone.Receive(alone.open().initial());
    alone.Run(states);
    if (alone.pairs().empty() || !alone.violation().empty()) return pairs;
    const std::vector<Tabulator::Pair> found(alone.pairs().begin(),
                                             alone.pairs().end());
    Learn(tables, found);
    pairs.insert(pairs.end(), found.begin(), found.end());
  }
}

}  // namespace

std::string ShardPlan::Known(int round, int shard) const {
  return Numbered(*this, "known", {round, shard});
}
std::string ShardPlan::To(int round, int from, int shard) const {
  return Numbered(*this, "to", {round, from, shard});
}
std::string ShardPlan::Pairs(int round, int shard) const {
  return Numbered(*this, "pairs", {round, shard});
}

void MakeTables(const ShardPlan& plan, std::uint64_t states) {
  Exploration exploration(*plan.scenario);
  PairsFile found;
  exploration.WithTables([&](Tabulator& tables) {
    found.pairs = FirstPairs(tables, states);
    const Shard shard(tables, plan.shards, 0);
    const PackedKey first = shard.open().initial();
    for (int to = 0; to < plan.shards; ++to) {
      std::vector<PackedKey> keys;
      if (shard.OwnerOf(first) == to) keys.push_back(first);
      WriteList(plan, 0, 0, to, shard.open().Fields(), keys);
    }
  });
  found.seen = exploration.seen();
  WritePairs(plan.Pairs(0, 0), found);
}

std::string RunRound(const ShardPlan& plan, int round, int number) {
  if (PassOn(plan, round, number)) return "";
  Exploration exploration(*plan.scenario);
  exploration.BeginWith(ReadPairs(plan.Pairs(0, 0)).seen);
  Tabulator& tables = exploration.tables();
  try {
    Learn(tables, PairsBefore(plan, round));
  } catch (const SiteIsSeen& seen) {
    throw ShardFileError("somebody looks at what " + seen.site +
                         " leaves out: begin with more states");
  }
  Shard shard(tables, plan.shards, number);
  if (!shard.fits()) throw ShardFileError("a state has more than 127 bits");
  const std::vector<KeyField> fields = shard.open().Fields();
  if (round > 1) {
    shard.Reserve(ReadHead(plan.Known(round - 1, number)).keys);
    shard.counts = ReadStates(plan.Known(round - 1, number), fields,
                              [&](PackedKey key, bool waits) {
                                waits ? shard.Wait(key) : shard.Know(key);
                              })
                       .counts;
  }
  for (int from = 0; from < (round == 1 ? 1 : plan.shards); ++from) {
    ReadStates(plan.To(round - 1, from, number), fields,
               [&](PackedKey key, bool) { shard.Receive(key); });
  }
  shard.Run();
  if (!shard.violation().empty()) return shard.violation();
  if (const std::string cycle = tables.LockOrderCycle(); !cycle.empty()) {
    return cycle;
  }
  if (!tables.incongruence().empty()) {
    return "not a fair table: " + tables.incongruence();
  }
  WriteRound(plan, round, number, shard);
  return "";
}

ShardTotal TotalOf(const ShardPlan& plan, int round) {
  ShardTotal total;
  total.finished = true;
  for (int shard = 0; shard < plan.shards; ++shard) {
    const StatesHead known = ReadHead(plan.Known(round, shard));
    total.counts.states += known.counts.states;
    total.counts.transitions += known.counts.transitions;
    total.counts.at_rest += known.counts.at_rest;
    total.counts.sent += known.counts.sent;
    total.waiting += known.waiting;
    const auto bytes = static_cast<std::uint64_t>(known.bytes());
    total.bytes = known.bytes();
    total.bytes_known += bytes * (known.keys + known.waiting);
    for (int to = 0; to < plan.shards; ++to) {
      const StatesHead list = ReadHead(plan.To(round, shard, to));
      total.bytes_sent += static_cast<std::uint64_t>(list.bytes()) * list.keys;
    }
  }
  total.finished = total.waiting == 0 && total.bytes_sent == 0;
  return total;
}

namespace {

// A round of all shards; how the worst of its processes ended, and what it had
// to say.
int RunProcesses(const ShardPlan& plan, int round, std::string* what) {
  const auto said = [&](int shard) {
    return Numbered(plan, "said", {round, shard});
  };
  std::vector<pid_t> processes;
  for (int shard = 0; shard < plan.shards; ++shard) {
    processes.push_back(fork());
    if (processes.back() != 0) continue;
    int status = 0;
    std::string text;
    try {
      text = RunRound(plan, round, shard);
      status = text.empty() ? 0 : kBroken;
    } catch (const std::exception& error) {
      text = error.what();
      status = kFailed;
    }
    std::ofstream(said(shard)) << text;
    _exit(status);
  }
  int worst = 0;
  for (int shard = 0; shard < plan.shards; ++shard) {
    int status = 0;
    const pid_t process = processes[static_cast<std::size_t>(shard)];
    if (process < 0 || waitpid(process, &status, 0) != process) {
      status = kFailed << 8;
    }
    const int ended = WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
    std::string text;
    std::getline(std::ifstream(said(shard)), text);
    std::remove(said(shard).c_str());
    if (ended <= worst) continue;
    worst = ended;
    *what = text.empty() ? "the process of shard " + std::to_string(shard) +
                               " ended in round " + std::to_string(round)
                         : text;
  }
  return worst;
}

void Remove(const ShardPlan& plan, int round) {
  for (int shard = 0; shard < plan.shards; ++shard) {
    std::remove(plan.Known(round, shard).c_str());
    for (int to = 0; to < plan.shards; ++to) {
      std::remove(plan.To(round, shard, to).c_str());
    }
  }
}

}  // namespace

ShardRun RunShards(const ShardPlan& plan, std::uint64_t first_states,
                   const std::function<void(int, const ShardTotal&)>& told) {
  ShardRun run;
  try {
    std::filesystem::create_directories(plan.folder);
    MakeTables(plan, first_states);
    while (!run.total.finished) {
      const int round = ++run.rounds;
      std::string what;
      const int ended = RunProcesses(plan, round, &what);
      if (ended == kBroken) run.violation = what;
      if (ended == kFailed) run.failure = what;
      if (ended != 0) return run;
      Remove(plan, round - 1);
      run.total = TotalOf(plan, round);
      run.bytes_sent += run.total.bytes_sent;
      if (told) told(round, run.total);
    }
  } catch (const std::exception& error) {
    run.failure = error.what();
  }
  return run;
}

}  // namespace netpoll::model
