// SPDX-License-Identifier: Apache-2.0
//
// Whether what is said of a counterexample is so, for tests: each step that is
// named is looked up in the story, and so is each look that is said not to have
// been taken. And it speaks of the task that the law meant.

#ifndef NETPOLL_MODEL_REPORT_SENTENCE_TRUTH_H_
#define NETPOLL_MODEL_REPORT_SENTENCE_TRUTH_H_

#include <algorithm>
#include <regex>
#include <string>
#include <string_view>

#include "netpoll/model/report/source.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {

class SentenceTruth {
 public:
  explicit SentenceTruth(const Story& story)
      : story_(story), said_(Diagnose(story)) {}

  // Empty: it is so. Otherwise what is not.
  std::string Untrue() const {
    if (!said_.sentence.starts_with(story_.violation)) return "no law is named";
    if (story_.moments.empty()) return "";
    std::string wrong = OfTheTask();
    if (wrong.empty()) wrong = OfEachStep();
    if (wrong.empty()) wrong = OfLooksNotTaken();
    if (wrong.empty()) wrong = OfWhatDecided();
    return wrong;
  }
  const std::string& sentence() const { return said_.sentence; }

 private:
  std::string OfTheTask() const {
    if (said_.facts.empty()) return "it says nothing but the law";
    if (story_.task >= 0) {
      if (said_.task != story_.task) return "it speaks of another task";
      const std::string& name = story_.threads[story_.task];
      if (said_.sentence.find(name) == std::string::npos) {
        return "it does not name " + name;
      }
      if (story_.at_rest && Waits(story_.task) && said_.lost != story_.task) {
        return "it takes another one for lost";
      }
    }
    if (said_.lost >= 0 && !Waits(said_.lost)) return "who is lost goes on";
    return "";
  }

  bool Waits(int thread) const {
    const Stand stand = story_.moments.back().stands[thread];
    return stand == Stand::kParked || stand == Stand::kBlocked;
  }

  // "WHO ... in step 7 (commit.word, ..."
  std::string OfEachStep() const {
    static const std::regex step(R"(step (\d+) \(([a-z_0-9.]+))");
    for (const std::string& fact : said_.facts) {
      for (std::sregex_iterator at(fact.begin(), fact.end(), step), end;
           at != end; ++at) {
        const int number = std::stoi((*at)[1]);
        const bool there = std::any_of(
            story_.moments.begin(), story_.moments.end(),
            [&](const Moment& moment) {
              return moment.step == number && moment.site == (*at)[2].str();
            });
        if (!there) return "there is no " + at->str();
      }
      static const std::regex deed(
          R"(^(\S+) (last looked at|changed|went to|took) .*step (\d+) )");
      std::smatch found;
      if (!std::regex_search(fact, found, deed)) continue;
      const int number = std::stoi(found[3]);
      for (const Moment& moment : story_.moments) {
        if (moment.step != number) continue;
        if (story_.threads[moment.thread] != found[1].str()) {
          return "another did: " + fact;
        }
      }
    }
    return "";
  }

  std::string OfLooksNotTaken() const {
    static const std::regex nobody(
        R"(nobody else looked at (.+) after step (\d+))");
    static const std::regex never(R"(^(\S+) never looked at (.+)$)");
    static const std::regex last(
        R"(^(\S+) last looked at (.+) in step (\d+) )");
    for (const std::string& fact : said_.facts) {
      std::smatch found;
      if (std::regex_search(fact, found, nobody) &&
          LooksAt("", found[1], std::stoi(found[2]), last_step())) {
        return "somebody did: " + fact;
      }
      if (std::regex_search(fact, found, never) &&
          LooksAt(found[1], found[2], 0, last_step())) {
        return "it did: " + fact;
      }
      if (std::regex_search(fact, found, last) &&
          LooksAt(found[1], found[2], std::stoi(found[3]),
                  said_.acted == 0 ? last_step() : said_.acted - 1)) {
        return "it looked later: " + fact;
      }
    }
    return "";
  }

  // "WHO's step 7 was decided by status::Event, core/status.h:107, of ..."
  std::string OfWhatDecided() const {
    static const std::regex decided(
        R"(^(\S+)'s step (\d+) was decided by \w+::(\w+), ([\w/.]+:\d+))");
    for (const std::string& fact : said_.facts) {
      std::smatch found;
      if (!std::regex_search(fact, found, decided)) continue;
      const std::string begins = " " + found[3].str() + "(";
      if (LineAt(found[4].str()).find(begins) == std::string_view::npos) {
        return "that function is elsewhere: " + fact;
      }
      const int number = std::stoi(found[2]);
      const std::string who = found[1];
      if (std::none_of(story_.moments.begin(), story_.moments.end(),
                       [&](const Moment& moment) {
                         return moment.step == number &&
                                story_.threads[moment.thread] == who;
                       })) {
        return "another did: " + fact;
      }
    }
    return "";
  }

  int last_step() const { return story_.moments.back().step; }

  // Whether the thread, or anybody but who is lost, looks at the object after
  // step `from`, up to step `to`.
  bool LooksAt(const std::string& who, const std::string& object, int from,
               int to) const {
    return std::any_of(
        story_.moments.begin(), story_.moments.end(),
        [&](const Moment& moment) {
          const bool right = who.empty() ? moment.thread != said_.task
                                         : story_.threads[moment.thread] == who;
          return right && moment.looked && moment.object == object &&
                 moment.step > from && moment.step <= to;
        });
  }

  const Story& story_;
  const Diagnosis said_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_SENTENCE_TRUTH_H_
