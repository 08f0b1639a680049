// SPDX-License-Identifier: Apache-2.0
//
// How a story is told shortly (story.h), in two halves: of who waits for ever
// (diagnose_waits.cc), and of a step or a value that must not be
// (diagnose_steps.cc).

#ifndef NETPOLL_MODEL_REPORT_DIAGNOSIS_H_
#define NETPOLL_MODEL_REPORT_DIAGNOSIS_H_

#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/report/facts.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {

// "commit.word, core/poll_desc.h:184"
std::string Written(const Moment& moment);

class Diagnoser {
 public:
  explicit Diagnoser(const Story& story) : story_(story), facts_(story) {}

  Diagnosis Tell();

 private:
  const std::string& Who(int thread) const { return story_.threads[thread]; }
  const std::string& Who(const Moment* moment) const {
    return story_.threads[moment->thread];
  }
  Stand StandOf(int thread) const {
    return story_.moments.back().stands[thread];
  }
  std::string HowItStands(int thread) const;
  // "step 7 (unblock.status, core/poll_desc.h:171: status gen1 ->
  // gen1+closing)".
  std::string Point(const Moment& moment) const;

  // Facts come in any order, and are told in that of their steps.
  void Add(const Moment* at, const std::string& text) {
    told_.emplace_back(at->step, text);
  }
  void Looked(const Moment* at);
  void Changed(const Moment* at);
  void Acted(const Moment* at, const std::string& how);
  // "clock's step 31 was decided by DeadlinePlanner::Fire, core/...:96, of
  // state closing": by which pure function, and of what, the thread did
  // `decided_`.
  std::string WhatDecided() const;
  const Moment* SectionOf(const Moment& deed) const;
  std::string NoLonger(const Moment& look) const;
  Diagnosis Finish();

  // Somebody waits, and nobody will wake it.
  int MostStuck() const;
  void OfWhoIsStuck(int thread);
  bool WaitsForALock(int thread);
  void OfWhoNeverDidAnything(int thread);
  void Taken(const Moment& slept, const Moment& taken);
  void WroteOver(const Facts::Stale& stale, const Moment& store);
  void NobodyLooked(int thread, const Moment& slept);
  const Moment* WhatItMissed(int thread, const Moment& slept) const;
  const Moment* TooLate(int thread, const Moment& slept) const;
  void WhereTheyLooked(const Moment& changed, const Moment& slept);
  std::string NotAfter(const Moment& slept, const Moment* after) const;

  // A value that is wrong in the end; a step that must not be.
  void OfAnObject();
  void OfAStep();
  void OfAValueMeanwhile(const Moment& last);
  void OfAChangeTooMany(const Moment& last);
  void Race(const Moment& last);
  void OfAnother(const Moment& last, int task);
  void OfItself(const Moment& last);
  void OfWhatOthersLeft(const Moment& last, int object);
  void OfWhatItWentBy(const Moment& last);
  void OfWhatItDidLast(const Moment& last);
  void FieldBefore(const Moment& last, int object);
  void OfACount(const Moment& last);
  void WhereItCameFrom(const Moment& last);

  void Around();
  void AroundBy(int thread);

  const Story& story_;
  const Facts facts_;
  Diagnosis out_;
  std::vector<std::pair<int, std::string>> told_;
  std::string missing_;
  const Moment* decided_ = nullptr;  // The deed on which it hung.
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_DIAGNOSIS_H_
