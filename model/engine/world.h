// SPDX-License-Identifier: Apache-2.0
//
// A world: the objects and threads of one scenario, and what must hold in it.
//
// Threads are ordinary functions that run shipped code over the model's Env.
// They meet only through objects, so each is a deterministic automaton:
// (local state, observed value) -> (local state, next access). The tabulator
// (tabulate.h) finds that automaton by running the function again and again
// with recorded observations; nothing of it survives a run except what goes
// through objects. So a thread's function must keep its hands off clocks,
// randomness, addresses and captured variables that it changes.

#ifndef NETPOLL_MODEL_ENGINE_WORLD_H_
#define NETPOLL_MODEL_ENGINE_WORLD_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/observer.h"
#include "netpoll/model/engine/weaken.h"

namespace netpoll::model {

class Run;

// The glue's side of a run: what a scheduler, a kernel and a user do.
class Thread {
 public:
  // Declares that nothing but `values` is carried from here on. Optional: it
  // only makes the tables smaller. A false declaration is what the congruence
  // check is there to find.
  void Mark(const char* where, std::initializer_list<std::int64_t> values = {});

  // From here on the thread may also never go on: a stimulus.
  void May(const char* what);

  // One of `branches` ways, each explored.
  static int Choose(const char* what, int branches);

  // One atomic step of the environment on `object`; blocks while `step`
  // answers nullopt. Await: to be blocked there for ever is legitimate.
  // MayCall: the step may also never come.
  template <class T>
  static int Call(const char* site, ObjectOf<T>& object,
                  std::optional<int> (*step)(T&, std::int64_t),
                  std::int64_t argument = 0) {
    return Do({.op = Op::kCall,
               .object = &object,
               .site = site,
               .number = argument,
               .call = reinterpret_cast<void (*)()>(step)});
  }
  template <class T>
  static int Await(const char* site, ObjectOf<T>& object,
                   std::optional<int> (*step)(T&, std::int64_t),
                   std::int64_t argument = 0) {
    return Do({.op = Op::kCall,
               .rests = true,
               .object = &object,
               .site = site,
               .number = argument,
               .call = reinterpret_cast<void (*)()>(step)});
  }
  template <class T>
  static int MayCall(const char* site, ObjectOf<T>& object,
                     std::optional<int> (*step)(T&, std::int64_t),
                     std::int64_t argument = 0) {
    return Do({.op = Op::kCall,
               .optional = true,
               .object = &object,
               .site = site,
               .number = argument,
               .call = reinterpret_cast<void (*)()>(step)});
  }

  // Parks the calling thread's task until MakeRunnable; makes one runnable.
  void Park();
  static void MakeRunnable(int task);

  // Makes a task runnable that may not yet have come to Park: a wake that is
  // remembered. False: it was runnable already.
  static bool WakeEarly(int task);

  // What steps of this thread are judged by (View::note).
  void SetNote(Note note);
  Note note() const;

  // Ends the scenario: the named property is broken.
  [[noreturn]] void Fail(const std::string& what);

 private:
  friend class Run;
  explicit Thread(Run& run) : run_(run) {}
  static int Do(const Access& access);
  Run& run_;
};

class World : public Observer {
 public:
  World();
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Threads, by number. A task is known by the number of its thread.
  int AddThread(std::string name, std::function<void(Thread&)> body);

  // The observer that is asked beside the world itself, and before it.
  template <class T>
  T& Attach(T* observer) {
    attached_.reset(observer);
    return *observer;
  }
  Observer& attached() const { return *attached_; }

  // The first law that breaks: of the attached observer, or else of the world.
  template <class Question>
  const char* Ask(Question question) {
    attached_->ForgetSubject();
    const char* const law = question(*attached_);
    if (law != nullptr) {
      told_ = attached_->subject();
      return law;
    }
    ForgetSubject();
    const char* const own = question(static_cast<Observer&>(*this));
    if (own != nullptr) told_ = subject();
    return own;
  }
  // Whom the law speaks of that Ask told last.
  const Subject& told() const { return told_; }

  // Makes one access of its threads weaker than it is written.
  void Weaken(const Weakened& weakened) { weakened_ = weakened; }
  const Weakened& weakened() const { return weakened_; }

  // Ends the construction: what the objects hold now is the initial state.
  void Settle();

  // In worlds that say so, MarkOfRun declares what its callers say. The others
  // leave it to their threads.
  void MarkOnTheWay() { marks_on_the_way_ = true; }
  bool marks_on_the_way() const { return marks_on_the_way_; }

  // For shipped things that would object to being destroyed in the state in
  // which the story begins. They stay, and a leak checker sees who has them.
  template <class T>
  static T& Keep(T* thing) {
    KeepForEver(thing);
    return *thing;
  }

  // While it is being constructed: the object last accessed at a site.
  Object* ObjectAt(const std::string& site) const;
  void Saw(const Access& access);

  static World* Current();
  int Register(Object* object);
  int NewLockNumber() { return locks_++; }

  struct ThreadSpec {
    std::string name;
    std::function<void(Thread&)> body;
    ObjectOf<int>* task = nullptr;  // 0 not runnable, 1 runnable.
  };
  const std::vector<ThreadSpec>& threads() const { return threads_; }
  const std::vector<Object*>& objects() const { return objects_; }

 private:
  static void KeepForEver(void* thing);

  std::vector<ThreadSpec> threads_;
  std::vector<Object*> objects_;
  std::vector<std::unique_ptr<Object>> tasks_;
  std::unique_ptr<Observer> attached_ = std::make_unique<Observer>();
  std::map<std::string, Object*> seen_at_;
  Subject told_;
  Weakened weakened_;
  int locks_ = 0;
  bool marks_on_the_way_ = false;
};

// Makes an access: in a run as the run says, otherwise at once.
int Perform(const Access& access);
// As Perform, for an exchange or an add whose old value nobody may look at.
struct Unseen {
  const char* site;
  Value value;
};
Unseen PerformUnseen(const Access& access);
Value Look(const Unseen& unseen);

// The same of the thread that runs, for what has no Thread at hand.
void SetNoteOfRun(Note note);
Note NoteOfRun();
void MarkOfRun(const char* where, std::initializer_list<std::int64_t> values);

// The rounds of a retry loop: nothing is carried from one to the next.
class RetryScope {
 public:
  RetryScope();
  void NextRound();

 private:
  std::size_t key_length_ = 0;
  Ghost ghost_;
};

// Stops the program, as the shipped code does: a violation unless declared.
[[noreturn]] void StopProgram(const char* rule);

// What it throws while a world is built: there is no story yet to tell.
struct StoppedWhileBuilt : ThrownOn {
  explicit StoppedWhileBuilt(std::string broken) : rule(std::move(broken)) {}
  std::string rule;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_WORLD_H_
