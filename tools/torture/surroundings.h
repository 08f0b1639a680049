// SPDX-License-Identifier: Apache-2.0
//
// What happens to a program from outside while a round runs: signals, pauses,
// children, a lower limit of descriptors, tasks from foreign threads, Stop. A
// thread of its own does it.

#ifndef NETPOLL_TOOLS_TORTURE_SURROUNDINGS_H_
#define NETPOLL_TOOLS_TORTURE_SURROUNDINGS_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>

#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {

// The descriptors that are open.
std::set<int> OpenDescriptors();

class Surroundings {
 public:
  // `before`: the descriptors that were open before the round.
  Surroundings(Round& round, std::set<int> before, std::uint64_t seed);
  ~Surroundings();

  // By a task of the round that has not ended: from here on no task is spawned
  // from outside, so that the round may end.
  void LastTaskEnds();

 private:
  void Blow();
  void Act();
  void Signal();
  void Fork(bool exec);
  void LimitDescriptors();
  void SpawnVisitor();
  void CheckInheritance();

  Round& round_;
  const std::set<int> before_;
  Random random_;
  const std::int64_t stops_at_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;  // Guarded by mutex_.
  // Tasks come from outside. In other rounds nobody wakes the workers who has
  // nothing to do with it: that would hide what is lost. Guarded by mutex_.
  bool visits_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_SURROUNDINGS_H_
