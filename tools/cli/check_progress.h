// SPDX-License-Identifier: Apache-2.0
//
// How far `netpoll check` is:
// "47 of 76 deep-reopen, pass 2 of 2, 3.2 M states".

#ifndef NETPOLL_TOOLS_CLI_CHECK_PROGRESS_H_
#define NETPOLL_TOOLS_CLI_CHECK_PROGRESS_H_

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/model/report/check.h"
#include "netpoll/tools/common/progress_line.h"

namespace netpoll::tools {

// Any thread may call any function.
class CheckProgressLine {
 public:
  // In the order in which they are done: first these, then those.
  CheckProgressLine(const std::vector<model::Scenario>& first,
                    const std::vector<model::Scenario>& then) {
    for (const auto* const list : {&first, &then}) {
      for (const model::Scenario& scenario : *list) {
        numbers_.emplace(scenario.name, numbers_.size() + 1);
      }
    }
  }

  // Where several are under way, of the one that was begun first.
  void Show(const model::CheckProgress& now) {
    const std::lock_guard hold(mutex_);
    const std::size_t number = numbers_[now.scenario];
    if (!line_.on() || (number > shown_ && shown_ > done_)) return;
    const auto time = Clock::now();
    if (number == shown_ && time < next_) return;
    shown_ = number;
    next_ = time + std::chrono::milliseconds(50);
    line_.Show(absl::StrCat(number, " of ", numbers_.size(), " ", now.scenario,
                            ", pass ", now.pass, " of ", now.passes, ", ",
                            Rounded(static_cast<double>(now.states)),
                            " states"));
  }

  // Each, in order. What it says is printed next.
  void Done(const model::Verdict& verdict) {
    const std::lock_guard hold(mutex_);
    ++done_;
    if (!verdict.violation.empty()) broken_ += " " + verdict.scenario;
    line_.Clear();
  }

  void Clear() { line_.Clear(); }

  // What somebody who ends it early wants to know.
  std::string Summary() {
    const std::lock_guard hold(mutex_);
    return absl::StrCat(done_, " of ", numbers_.size(),
                        " configurations explored",
                        done_ == 0        ? ""
                        : broken_.empty() ? ", every property holds in them"
                                          : ", broken:",
                        broken_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const ProgressLine line_;
  std::mutex mutex_;
  std::map<std::string, std::size_t> numbers_;  // From 1.
  std::size_t shown_ = 0;
  std::size_t done_ = 0;
  std::string broken_;
  Clock::time_point next_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHECK_PROGRESS_H_
