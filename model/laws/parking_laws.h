// SPDX-License-Identifier: Apache-2.0
//
// The laws of tasks that park in semaphores, for every world that has some: who
// may make a task runnable (I1), where a parked task is (I2), what the count of
// waiters says meanwhile (I6, I7), and that nobody waits or wakes with a lock
// held (I19).

#ifndef NETPOLL_MODEL_LAWS_PARKING_LAWS_H_
#define NETPOLL_MODEL_LAWS_PARKING_LAWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/observer.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

// What an object is to these laws, and to whoever tells of it.
enum class Role : std::uint8_t {
  kOther,
  kSemaphore,  // A word: nil, ready, wait, or the task that is parked in it.
  kCount,      // Waiters.
  kStatus,
};

inline Role RoleOf(const Object& object) {
  return static_cast<Role>(object.role);
}

class ParkingLaws : public Observer {
 public:
  explicit ParkingLaws(const World& world) : world_(world) {}

  static void SetRole(Object& object, Role role);

  // The word by which a task is seen in a semaphore.
  void SetTaskWord(int thread, std::uint64_t word);
  // -1: nobody's.
  int TaskOfWord(std::uint64_t word) const;

  const char* Before(int thread, const Access& access, Ghost& ghost) override;
  const char* Observed(int thread, const Access& access, Value response,
                       Ghost& ghost) override;
  bool Watches(const Access& access) override { return access.wakes >= 0; }
  const char* BeforeStep(const View& view, int thread,
                         const Access& access) override;
  const char* Invariant(const View& view) override;
  std::string Show(const Object& object, Value value) override;
  int Column(const Object& object) override;

 private:
  struct Hands;

  bool InWords(int task) const {
    return task < static_cast<int>(words_.size()) && words_[task] != 0;
  }
  const char* Moved(int thread, const Object& word, Value before, Value after,
                    Hands& hands) const;

  const World& world_;
  std::vector<std::uint64_t> words_;  // By thread; 0: it parks in none.
};

// A world with these laws.
class ParkingWorld : public World {
 public:
  ParkingWorld() : laws_(Attach(new ParkingLaws(*this))) {}

  ParkingLaws& laws() { return laws_; }

 private:
  ParkingLaws& laws_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_LAWS_PARKING_LAWS_H_
