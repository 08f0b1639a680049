// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/packed.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>

#include "netpoll/model/engine/packed_tables.h"

namespace netpoll_model {
namespace {

std::uint64_t Mix(PackedKey key) {
  std::uint64_t hash = static_cast<std::uint64_t>(key) * 0x9e3779b97f4a7c15u;
  hash ^= static_cast<std::uint64_t>(key >> 64) * 0xc2b2ae3d27d4eb4fu;
  hash ^= hash >> 32;
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 29);
}

// Keys, in the table itself; the top bit says that an entry is taken.
class KeySet {
 public:
  KeySet() : table_(1 << 14, 0) {}

  void Prefetch(std::uint64_t hash) const {
    __builtin_prefetch(&table_[hash & (table_.size() - 1)], 1);
  }

  bool Insert(PackedKey key, std::uint64_t hash) {
    if (size_ * 5 > table_.size() * 3) Grow();
    const PackedKey taken = key | kTaken;
    for (std::uint64_t at = hash;; ++at) {
      PackedKey& entry = table_[at & (table_.size() - 1)];
      if (entry == taken) return false;
      if (entry == 0) {
        entry = taken;
        ++size_;
        return true;
      }
    }
  }

  std::uint64_t size() const { return size_; }

 private:
  static constexpr PackedKey kTaken = static_cast<PackedKey>(1) << 127;

  void Grow() {
    std::vector<PackedKey> old(table_.size() * 2, 0);
    old.swap(table_);
    for (const PackedKey entry : old) {
      if (entry == 0) continue;
      std::uint64_t at = Mix(entry & ~kTaken);
      while (table_[at & (table_.size() - 1)] != 0) ++at;
      table_[at & (table_.size() - 1)] = entry;
    }
  }

  std::vector<PackedKey> table_;
  std::uint64_t size_ = 0;
};

// One worker: the states whose hash falls to it. Steps to others' states wait
// in their boxes until the level ends.
class Worker {
 public:
  Worker(Tabulator& tables, const PackedTables& packed,
         const PackedOptions& options, int number)
      : packed_(packed),
        options_(options),
        number_(number),
        stepper_(tables, tables.thread_count() + tables.slots()),
        unpacked_(stepper_.width()),
        outbox(options.workers) {}

  void Add(PackedKey key) {
    const std::uint64_t hash = Mix(key);
    Offer(key, hash);
  }

  void ExpandLevel() {
    for (const PackedKey key : frontier) Expand(key);
    Flush();
  }

  // Takes what the others found for this worker, and begins the next level.
  void BeginLevel(std::vector<std::unique_ptr<Worker>>& all) {
    for (auto& other : all) {
      for (const PackedKey key : other->outbox[number_]) Offer(key, Mix(key));
    }
    Flush();
    frontier.swap(next_);
    next_.clear();
  }
  void ClearOutbox() {
    for (auto& box : outbox) box.clear();
  }

  std::uint64_t states() const { return seen_.size(); }

 private:
  struct Pending {
    PackedKey key;
    std::uint64_t hash;
  };
  static constexpr std::size_t kRing = 32;

  // Inserts later, when the table's line has arrived.
  void Offer(PackedKey key, std::uint64_t hash) {
    seen_.Prefetch(hash);
    if (pending_ == kRing) Flush();
    ring_[pending_++] = {key, hash};
  }

  void Flush() {
    for (std::size_t i = 0; i < pending_; ++i) {
      const Pending& one = ring_[i];
      if (!seen_.Insert(one.key, one.hash)) continue;
      digest += Mix(one.key ^ 0x5bd1e995u);
      next_.push_back(one.key);
    }
    pending_ = 0;
  }

  void Send(PackedKey key) {
    const std::uint64_t hash = Mix(key);
    if (options_.workers == 1) {
      Offer(key, hash);
      return;
    }
    const int owner = static_cast<int>((hash >> 40) % options_.workers);
    if (owner == number_) {
      Offer(key, hash);
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
  const PackedOptions& options_;
  const int number_;
  Stepper stepper_;
  std::vector<Value> unpacked_;
  KeySet seen_;
  Pending ring_[kRing];
  std::size_t pending_ = 0;
  std::vector<PackedKey> next_;

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

PackedResult PackedSearch(Tabulator& tables, const PackedOptions& options) {
  PackedResult result;
  const PackedTables packed(tables);
  result.bits = packed.bits();
  result.local_states = packed.local_states();
  if (packed.bits() > 127 || tables.thread_count() > 16 ||
      tables.slots() > 64) {
    result.fits = false;
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options.workers; ++i) {
    workers.push_back(std::make_unique<Worker>(tables, packed, options, i));
  }
  const int owner =
      static_cast<int>((Mix(packed.initial()) >> 40) % options.workers);
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

}  // namespace netpoll_model
