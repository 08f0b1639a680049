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
#include <cstring>
#include <string>
#include <type_traits>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

class View;

// A note about a thread: a struct of a few bools, bytes and enums of a byte,
// another one for each part that threads play. Whoever reads it knows the part.
template <class T>
concept NoteStruct =
    sizeof(T) <= 4 && std::is_trivially_copyable_v<
                          T>&& std::has_unique_object_representations_v<T>;

// One of them, packed. What nobody has noted reads as zeros.
class Note {
 public:
  Note() = default;
  template <NoteStruct T>
  Note(const T& note) {  // NOLINT: a struct is a note.
    std::memcpy(&bits_, &note, sizeof note);
  }
  template <NoteStruct T>
  T As() const {
    T note;
    std::memcpy(static_cast<void*>(&note), &bits_, sizeof note);
    return note;
  }
  std::uint32_t bits() const { return bits_; }

  friend bool operator==(const Note&, const Note&) = default;

 private:
  std::uint32_t bits_ = 0;
};

// What a thread's history says beyond its local variables. Part of its local
// state: two histories with different ghosts are never merged.
struct Ghost {
  std::uint8_t locks = 0;  // Locks held, a bit for each.
  bool parked = false;     // About to be resumed by somebody else.
  Note note;               // The world's own, see Thread::SetNote.
  Note kept;               // The attached observer's own.

  friend bool operator==(const Ghost&, const Ghost&) = default;
};

// Whom a law speaks of that was just told, for whoever tells the story. A law
// of what a thread does speaks of that thread, unless it says otherwise.
struct Subject {
  int thread = -1;                 // The task that is lost, or is wronged.
  const Object* object = nullptr;  // What is wrong, or should have told it.

  friend bool operator==(const Subject&, const Subject&) = default;
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

  // What may be so for a while, but not for ever: the law with that number, or
  // null if there is none; and whether it is so in a state. A run breaks it in
  // which, from some state on, that is so in all states although every thread
  // that can go on does (fair_cycles.h).
  virtual const char* Passing(int) { return nullptr; }
  virtual bool Lasts(const View&, int) { return false; }
  // The thread that it speaks of.
  virtual int Lasting(int) { return -1; }

  // Whether the code may stop the program with this rule: the end of a story.
  virtual bool AllowsStop(const std::string&) { return false; }

  // How a counterexample shows an object's value; empty: as the object says.
  virtual std::string Show(const Object&, Value) { return ""; }
  // Its column among the others, the smallest first; -1: where it would be.
  virtual int Column(const Object&) { return -1; }

  // Whom the law spoke of that was told last.
  const Subject& subject() const { return subject_; }
  void ForgetSubject() { subject_ = {}; }

 protected:
  // return Of(task, status_, "L2: a task is parked on a closing descriptor");
  const char* Of(int thread, const Object* object, const char* law) {
    subject_ = {thread, object};
    return law;
  }
  const char* Of(int thread, const char* law) {
    return Of(thread, nullptr, law);
  }
  const char* Of(const Object* object, const char* law) {
    return Of(-1, object, law);
  }

 private:
  Subject subject_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_OBSERVER_H_
