// SPDX-License-Identifier: Apache-2.0
//
// One step of one thread on a state, with every law that steps and states must
// keep. The search, the replay and the fuzzer all move through this.

#ifndef NETPOLL_MODEL_ENGINE_STEPPER_H_
#define NETPOLL_MODEL_ENGINE_STEPPER_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/engine/view.h"

namespace netpoll::model {

// The state has more objects than was provided for: begin again with more.
struct StateTooNarrow {};

class Stepper {
 public:
  Stepper(Tabulator& tables, int width) : tables_(tables), width_(width) {}

  // Values of a state; those of untouched slots are 0.
  int width() const { return width_; }
  int threads() const { return tables_.thread_count(); }
  std::vector<Value> Initial() const;

  // Ways in which the thread can go on: 1, or the branches of a choice.
  int Branches(const Value* state, int thread) const;
  // Whether the thread's next step may also never be taken.
  bool Optional(const Value* state, int thread) const;
  bool Enabled(const Value* state, int thread);
  // Whether nothing more must happen in this state, and it has not stopped.
  bool Rests(const Value* state);
  // Whether the program has stopped in this state, as it may.
  bool Stopped(const Value* state) const;

  // Takes one step. False: blocked, or ended. A broken law is in `violation()`.
  bool Take(const Value* state, int thread, int branch, Value* next);

  // Whether that step passed a declaration: an operation ended.
  bool passed() const { return passed_; }

  // The laws of a state, and of one in which nothing more must happen.
  void CheckState(const Value* state);
  void CheckRest(const Value* state);

  const std::string& violation() const { return violation_; }
  // Whom it speaks of.
  const Subject& subject() const { return subject_; }
  bool broken() const { return !violation_.empty(); }
  void Forget() { violation_.clear(); }

  // What the last Take did, access by access, when somebody wants to know.
  struct Did {
    int thread;
    int node;
    int access;
    Value before;
    Value after;
    Value response;
  };
  std::vector<Did>* did = nullptr;

 private:
  void Break(const std::string& law, const Subject& subject) {
    if (!violation_.empty()) return;
    violation_ = law;
    subject_ = subject;
  }
  void CheckRace(const Value* state, int thread, const Access& access);

  Tabulator& tables_;
  const int width_;
  bool passed_ = false;
  std::string violation_;
  Subject subject_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_STEPPER_H_
