// SPDX-License-Identifier: Apache-2.0
//
// One run of a thread's function, fed with recorded observations until they
// are used up. The access that comes next is what the run is for; then the
// function is left by a private exception, so that its destructors run.
//
// A lock is released in a destructor, which must not throw; but a release has
// nothing to answer, so the run goes on to the next access and stops there.

#ifndef NETPOLL_MODEL_ENGINE_RUN_H_
#define NETPOLL_MODEL_ENGINE_RUN_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

// The local state of a thread, as far as it is known: the last declaration and
// everything observed since.
using Key = std::u16string;

// What all runs of one tabulation share.
struct RunContext {
  World* world = nullptr;
  // Sites whose old value somebody looked at (PerformUnseen).
  std::set<std::string> seen_sites;
  std::vector<std::string> marks;
  // Lock b was acquired while lock a was held.
  std::set<std::pair<int, int>> lock_order;
};

struct RunResult {
  Access pending;
  Ghost ghost;
  Key key;
  std::string violation;  // Empty: none.
  Subject subject;        // Of the violation.
  bool stops = false;     // The program ends here, as it should.
  int marks = 0;          // Declarations passed: operations that ended.
};

// Somebody looked at an exchange's old value for the first time: what was
// tabulated so far took it for unobserved.
struct SiteIsSeen : ThrownOn {
  explicit SiteIsSeen(const char* name) : site(name) {}
  std::string site;
};

class Run {
 public:
  Run(RunContext& context, int thread, const std::vector<Value>& history)
      : context_(context), thread_(thread), history_(history) {}

  RunResult Execute();

  // An access on the way, and what it was told; all of them are put into
  // `passed`, if somebody wants them.
  struct Passed {
    Access access;
    Value response;
  };
  std::vector<Passed>* passed = nullptr;

  int Perform(const Access& access);
  bool IsSeen(const Access& access) const;
  void LookedAt(const Unseen& unseen);
  Weakness WeaknessOf(const char* site) const;
  std::uint8_t OrderOf(const char* site, const char* operation,
                       std::uint8_t written) const;
  void SetNote(Note note);
  Note note() const { return result_.ghost.note; }
  void Mark(const char* where, std::initializer_list<std::int64_t> values);
  bool marks_on_the_way() const { return context_.world->marks_on_the_way(); }
  void Stop(const std::string& rule);

  static Run* Current();

 private:
  friend class Thread;
  friend class RetryScope;

  void Go();
  void Before(const Access& access);
  void After(const Access& access, Value response);
  void Break(const std::string& law, Subject subject = {});
  void AppendGhost();

  RunContext& context_;
  const int thread_;
  const std::vector<Value>& history_;
  std::size_t position_ = 0;
  bool leaving_ = false;
  RunResult result_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_RUN_H_
