// SPDX-License-Identifier: Apache-2.0
//
// A walk through a schedule, forwards and backwards, that may leave it: any
// thread that can move may be given the next step. Commands in, text out.

#ifndef NETPOLL_MODEL_REPORT_STEP_THROUGH_H_
#define NETPOLL_MODEL_REPORT_STEP_THROUGH_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {

class StepThrough {
 public:
  // Begins before the first step. The scenario must outlive it.
  StepThrough(std::string variant, const Scenario& scenario,
              std::vector<Choice> schedule, int cycle);

  // What the commands are.
  static std::string Help();

  // How everything stands where the walk is.
  std::string Where() const;

  // What the command leads to, or one sentence that says what is wrong with it.
  std::string Do(std::string_view command);

  bool done() const { return done_; }
  int at() const { return at_; }
  // What was walked so far.
  const Story& walked() const { return walked_; }
  // The command that leads there again.
  std::string Replay() const;

 private:
  std::string GoTo(int step);
  std::string Choose(int thread, int branch);
  std::string GoOn();
  std::string Step() const;
  std::string Words() const;
  std::string Threads() const;
  void Tell();
  int ThreadNamed(std::string_view name) const;
  int length() const { return static_cast<int>(path_.size()); }

  const std::string variant_;
  const Scenario& scenario_;
  const std::vector<Choice> given_;
  const int given_cycle_;
  std::vector<Choice> path_;  // As given, or as far as it was left.
  int cycle_;
  int at_ = 0;                   // So many steps of it are taken.
  std::vector<Column> columns_;  // Of the given schedule.
  Story whole_;                  // Of the path.
  Story walked_;                 // Of the steps that are taken.
  bool own_ = false;             // The path is not the given one.
  bool done_ = false;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_STEP_THROUGH_H_
