// SPDX-License-Identifier: Apache-2.0
//
// Who watches what is explored, and says which law breaks. The explorer itself
// knows of deadlocks, data races, lock order and false declarations; everything
// else that must hold is an observer's: the world's own, and one that it may
// attach for laws that several worlds share.
//
// A law is told by a text that lives as long as the program; null: it holds.

#ifndef NETPOLL_MODEL_ENGINE_OBSERVER_H_
#define NETPOLL_MODEL_ENGINE_OBSERVER_H_

#include <cstdint>
#include <string>

#include "netpoll/model/engine/object.h"

namespace netpoll_model {

class View;

// What a thread's history says beyond its local variables. Part of its local
// state: two histories with different ghosts are never merged.
struct Ghost {
  std::uint8_t locks = 0;  // Locks held.
  bool parked = false;     // About to be resumed by somebody else.
  std::uint32_t note = 0;  // The world's own, see Thread::Note.
  std::uint32_t kept = 0;  // The attached observer's own.

  friend bool operator==(const Ghost&, const Ghost&) = default;
};

class Observer {
 public:
  virtual ~Observer() = default;

  // A thread's own history, whatever the others do: before it makes an access
  // (also the last one, Op::kEnd), and when it knows the response. May change
  // what the ghost has of the observer's own.
  virtual const char* Before(int, const Access&, Ghost&) { return nullptr; }
  virtual const char* Observed(int, const Access&, Value, Ghost&) {
    return nullptr;
  }

  // A step, whatever the rest of the state: refinement to a reference model.
  // Asked once for each access and value.
  virtual const char* Refines(const Access&, Value, Value) { return nullptr; }

  // A step at a watched access, with the whole state before it at hand.
  virtual bool Watches(const Access&) { return false; }
  virtual const char* BeforeStep(const View&, int, const Access&) {
    return nullptr;
  }

  // Every state; those in which nothing more must happen.
  virtual const char* Invariant(const View&) { return nullptr; }
  virtual const char* AtRest(const View&) { return nullptr; }

  // Whether the code may stop the program with this rule: the end of a story.
  virtual bool AllowsStop(const std::string&) { return false; }

  // How a counterexample shows an object's value; empty: as the object says.
  virtual std::string Show(const Object&, Value) { return ""; }
  // Its column among the others, the smallest first; -1: where it would be.
  virtual int Column(const Object&) { return -1; }
};

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_OBSERVER_H_
