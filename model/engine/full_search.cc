// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/full_search.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>

#include "netpoll/model/engine/packed_tables.h"

namespace netpoll::model {
namespace {

// One worker: the states whose hash falls to it. Steps to others' states wait
// in their boxes until the level ends.
class Worker {
 public:
  Worker(Tabulator& tables, const PackedTables& packed,
         const FullOptions& options, int number)
      : packed_(packed),
        options_(options),
        number_(number),
        stepper_(tables, tables.thread_count() + tables.slots()),
        unpacked_(stepper_.width()),
        outbox(options.workers) {}

  void Add(PackedKey key) { queue_.Offer(key); }

  void ExpandLevel() {
    for (const PackedKey key : frontier) Expand(key);
  }

  // Takes what the others found for this worker, and begins the next level.
  void BeginLevel(std::vector<std::unique_ptr<Worker>>& all) {
    for (auto& other : all) {
      for (const PackedKey key : other->outbox[number_]) queue_.Offer(key);
    }
    queue_.Take(frontier);
    for (const PackedKey key : frontier) digest += HashOf(key ^ 0x5bd1e995u);
  }
  void ClearOutbox() {
    for (auto& box : outbox) box.clear();
  }

  std::uint64_t states() const { return queue_.size(); }

 private:
  void Send(PackedKey key) {
    const std::uint64_t hash = HashOf(key);
    if (options_.workers == 1) {
      queue_.Offer(key, hash);
      return;
    }
    const int owner = static_cast<int>((hash >> 40) % options_.workers);
    if (owner == number_) {
      queue_.Offer(key, hash);
    } else {
      outbox[owner].push_back(key);
    }
  }

  void Expand(PackedKey key) {
    const int threads = packed_.threads();
    const PackedTables::Local* locals[16];
    for (int thread = 0; thread < threads; ++thread) {
      locals[thread] = &packed_.At(key, thread);
      if (locals[thread]->stops) return;
    }
    if (options_.reduction) {
      const int alone = Independent(key, locals);
      if (alone >= 0) {
        Step(key, alone, *locals[alone]);
        return;
      }
    }
    bool rests = true;
    for (int thread = 0; thread < threads; ++thread) {
      const PackedTables::Local& local = *locals[thread];
      if (local.ends) continue;
      if (Step(key, thread, local) && !local.optional) rests = false;
    }
    if (rests) ++at_rest;
    if (options_.check_states) Check(key, rests);
  }

  bool Step(PackedKey key, int thread, const PackedTables::Local& local) {
    bool enabled = false;
    for (int branch = 0; branch < local.branches; ++branch) {
      PackedKey next;
      if (!packed_.Take(key, thread, local, branch, &next)) continue;
      enabled = true;
      ++transitions;
      Send(next);
    }
    return enabled;
  }

  // A thread whose next step no other thread can ever disturb, or -1.
  int Independent(PackedKey key, const PackedTables::Local* const* locals) {
    const int threads = packed_.threads();
    for (int thread = 0; thread < threads; ++thread) {
      const PackedTables::Local& local = *locals[thread];
      if (local.ends || local.optional) continue;
      bool disturbed = false;
      for (int other = 0; other < threads && !disturbed; ++other) {
        if (other == thread) continue;
        disturbed = (local.writes & (locals[other]->later_reads |
                                     locals[other]->later_writes)) != 0 ||
                    (local.reads & locals[other]->later_writes) != 0;
      }
      PackedKey next;
      if (!disturbed && packed_.Take(key, thread, local, 0, &next)) {
        return thread;
      }
    }
    return -1;
  }

  void Check(PackedKey key, bool rests) {
    packed_.Unpack(key, unpacked_.data());
    stepper_.CheckState(unpacked_.data());
    if (rests) stepper_.CheckRest(unpacked_.data());
    if (stepper_.broken() && violation.empty()) {
      violation = stepper_.violation();
    }
  }

  const PackedTables& packed_;
  const FullOptions& options_;
  const int number_;
  Stepper stepper_;
  std::vector<Value> unpacked_;
  KeyQueue queue_;

 public:
  std::vector<PackedKey> frontier;
  std::vector<std::vector<PackedKey>> outbox;
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;
  std::uint64_t digest = 0;
  std::string violation;
};

int SearchLevels(std::vector<std::unique_ptr<Worker>>& workers) {
  int depth = 0;
  bool more = true;
  std::barrier barrier(static_cast<std::ptrdiff_t>(workers.size()));
  const auto work = [&](std::size_t number) {
    Worker& worker = *workers[number];
    while (more) {
      worker.ExpandLevel();
      barrier.arrive_and_wait();
      worker.BeginLevel(workers);
      barrier.arrive_and_wait();
      worker.ClearOutbox();
      if (number == 0) {
        more = false;
        for (auto& other : workers) more = more || !other->frontier.empty();
        if (more) ++depth;
      }
      barrier.arrive_and_wait();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i)
    threads.emplace_back(work, i);
  work(0);
  for (std::thread& thread : threads) thread.join();
  return depth;
}

}  // namespace

FullResult FullSearch(Tabulator& tables, const FullOptions& options) {
  FullResult result;
  const PackedTables packed(tables);
  result.bits = packed.bits();
  result.local_states = packed.local_states();
  if (!packed.fits() || tables.thread_count() > 16 || tables.slots() > 64) {
    result.fits = false;
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options.workers; ++i) {
    workers.push_back(std::make_unique<Worker>(tables, packed, options, i));
  }
  const int owner =
      static_cast<int>((HashOf(packed.initial()) >> 40) % options.workers);
  workers[owner]->Add(packed.initial());
  workers[owner]->BeginLevel(workers);
  result.depth = SearchLevels(workers);
  for (const auto& worker : workers) {
    result.states += worker->states();
    result.transitions += worker->transitions;
    result.at_rest += worker->at_rest;
    result.digest += worker->digest;
    if (result.violation.empty()) result.violation = worker->violation;
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  result.seconds = taken.count();
  return result;
}

}  // namespace netpoll::model
