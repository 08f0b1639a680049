// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/laws/parking_laws.h"

#include <bit>

#include "netpoll/model/reference/status_table.h"

namespace netpoll::model {

// What a thread has in its hands, kept in its ghost.
struct ParkingLaws::Hands {
  std::int8_t credit = 0;  // Increments of the count beyond its parked words.
  std::uint8_t held = 0;   // Tasks taken from a word, not yet runnable: bits.
  bool committed = false;  // Its commit said that it was parked.

  static Hands Of(const Ghost& ghost) { return ghost.kept.As<Hands>(); }
  bool holds(int task) const { return (held >> task & 1) != 0; }
};

void ParkingLaws::SetRole(Object& object, Role role) {
  object.role = static_cast<std::uint8_t>(role);
  // Whoever takes a task out of a word knows it.
  object.always_seen = role == Role::kSemaphore;
}

void ParkingLaws::SetTaskWord(int thread, std::uint64_t word) {
  words_.resize(world_.threads().size());
  words_[thread] = word;
}

int ParkingLaws::TaskOfWord(std::uint64_t word) const {
  if (word == 0) return -1;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (words_[i] == word) return static_cast<int>(i);
  }
  return -1;
}

const char* ParkingLaws::Before(int, const Access& access, Ghost& ghost) {
  const Hands hands = Hands::Of(ghost);
  if (hands.committed && !ghost.parked) {
    return "I2: a task went on after its commit said that it was parked";
  }
  if (ghost.parked || access.op == Op::kEnd) {
    if (ghost.locks != 0) return "I19: a thread stopped with a lock held";
    if (hands.held != 0) {
      return Of(std::countr_zero(hands.held),
                "I2: a woken task was never made runnable");
    }
    if (hands.credit != 0) return "I6: the waiter count was not settled";
  }
  if (access.wakes >= 0) {
    if (ghost.locks != 0) {
      return "I19: a task was made runnable with a lock held";
    }
    if (InWords(access.wakes) && !hands.holds(access.wakes)) {
      return Of(access.wakes,
                "I1: a task was made runnable that nobody had handed out");
    }
  }
  const bool lowers = access.op == Op::kAdd && access.number < 0 &&
                      RoleOf(*access.object) == Role::kCount;
  if (lowers && hands.held != 0) {
    return Of(std::countr_zero(hands.held), access.object,
              "I7: the waiter count was lowered before the task was runnable");
  }
  return nullptr;
}

const char* ParkingLaws::Observed(int thread, const Access& access,
                                  Value response, Ghost& ghost) {
  Hands hands = Hands::Of(ghost);
  const char* law = nullptr;
  const Role role = RoleOf(*access.object);
  if (ghost.parked) hands.committed = false;  // It runs again.
  if (access.wakes >= 0) {
    hands.held &= static_cast<std::uint8_t>(~(1 << access.wakes));
  }
  if (role == Role::kCount && access.op == Op::kAdd) {
    hands.credit = static_cast<std::int8_t>(hands.credit + access.number);
    if (hands.credit < 0) {
      law = "I6: the waiter count fell below the number of parked words";
    }
  }
  if (role == Role::kSemaphore) {
    if (access.op == Op::kCas && response == 1) {
      law = Moved(thread, *access.object, access.a, access.b, hands);
    }
    if (access.op == Op::kExchange) {
      law = Moved(thread, *access.object, response, access.a, hands);
    }
  }
  ghost.kept = hands;
  return law;
}

const char* ParkingLaws::Moved(int thread, const Object& word, Value before,
                               Value after, Hands& hands) const {
  if (before == after) return nullptr;
  const int left = TaskOfWord(word.Bits(before));
  if (left >= 0) {
    ++hands.credit;
    hands.held |= static_cast<std::uint8_t>(1 << left);
  }
  const int parked = TaskOfWord(word.Bits(after));
  if (parked < 0) return nullptr;
  if (parked == thread) hands.committed = true;
  return --hands.credit < 0
             ? "I6: a task was parked before the waiter count was raised"
             : nullptr;
}

const char* ParkingLaws::BeforeStep(const View& view, int,
                                    const Access& access) {
  return access.wakes < 0 || view.parked(access.wakes)
             ? nullptr
             : Of(access.wakes,
                  "I1: a task was made runnable that was not parked");
}

const char* ParkingLaws::Invariant(const View& view) {
  const int threads = view.threads();
  for (int task = 0; task < threads; ++task) {
    if (!InWords(task)) continue;
    const Object* in_word = nullptr;
    for (const Object* object : view.objects()) {
      if (RoleOf(*object) == Role::kSemaphore &&
          object->Bits(view.Raw(*object)) == words_[task]) {
        in_word = object;
      }
    }
    const bool parked = view.parked(task);
    if (in_word != nullptr && !parked) {
      return Of(task, in_word, "I2: a word holds a task that is not parked");
    }
    bool held = false;
    for (int thread = 0; thread < threads; ++thread) {
      held |= Hands::Of(view.Local(thread).ghost).holds(task);
    }
    if (in_word == nullptr && parked && !held) {
      return Of(task, "I2: a parked task is in no word, and nobody holds it");
    }
  }
  return nullptr;
}

// --- Words, told ------------------------------------------------------------

namespace {

std::string ShowStatus(std::uint64_t word) {
  std::string text =
      "gen" + std::to_string(word >> reference::kGenerationShift);
  for (const reference::StatusField& field : reference::kStatusFields) {
    if (field.bits == reference::kGeneration || (word & field.bits) == 0) {
      continue;
    }
    text += std::string("+") + field.shown;
    if (field.bits == reference::kErrors) {
      text += ":" + std::to_string(reference::ErrorsIn(word));
    }
  }
  return text;
}

}  // namespace

std::string ParkingLaws::Show(const Object& object, Value value) {
  const std::uint64_t word = object.Bits(value);
  switch (RoleOf(object)) {
    case Role::kSemaphore: {
      constexpr const char* kNames[] = {"nil", "ready", "wait"};
      if (word < 3) return kNames[word];
      const int task = TaskOfWord(word);
      return task < 0 ? "?" : "task:" + world_.threads()[task].name;
    }
    case Role::kStatus:
      return ShowStatus(word);
    case Role::kCount:
    case Role::kOther:
      break;
  }
  return "";
}

int ParkingLaws::Column(const Object& object) {
  switch (RoleOf(object)) {
    case Role::kSemaphore:
      return 0;
    case Role::kStatus:
      return 1;
    case Role::kCount:
      return 2;
    case Role::kOther:
      break;
  }
  return -1;
}

}  // namespace netpoll::model
