// SPDX-License-Identifier: Apache-2.0
//
// What happened under one schedule, access by access: the material of every
// picture, of the trace file and of the diagnosis.

#ifndef NETPOLL_MODEL_REPORT_STORY_H_
#define NETPOLL_MODEL_REPORT_STORY_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/first_search.h"
#include "netpoll/model/engine/scenario.h"

namespace netpoll::model {

// How a thread stands.
enum class Stand : char {
  kRuns = ' ',
  kParked = 'p',   // A task that somebody must make runnable.
  kBlocked = 'b',  // Its next step is not possible now.
  kMay = 'm',      // Its next step may also never come.
  kEnded = 'e',
};

// One access. A step is one access, and the plain fields that go with it.
struct Moment {
  int step = 0;  // From 1.
  int thread = 0;
  std::string site;
  std::string place;  // In the source; empty: where the site is, if anywhere.
  std::string operation;
  std::string object;  // Empty: no object.
  int object_index = -1;
  std::string before;
  std::string after;
  bool looked = false;              // The thread learnt the value.
  bool changed = false;             // The value is another now.
  bool failed = false;              // An exchange that did not take place.
  bool plain = false;               // A look at a plain field under a lock.
  std::vector<std::string> values;  // Of the columns, afterwards.
  std::vector<Stand> stands;        // Of the threads, afterwards.
};

struct Column {
  std::string name;
  int object_index = -1;
  int task = -1;  // The thread whose being runnable it is.
  std::string initial;
};

struct Story {
  std::string variant = "shipped";
  std::string scenario;
  std::string about;
  std::vector<std::string> threads;
  std::vector<Column> columns;
  std::vector<Moment> moments;
  std::vector<Choice> schedule;
  int cycle = -1;  // From this step on it goes round for ever; -1: it ends.
  std::vector<Stand> stands;      // At the beginning.
  std::vector<std::string> next;  // The site at which each thread ends up,
  std::vector<std::string> next_place;  // its place in the source,
  std::vector<int> next_object;         // and the object there.
  std::string violation;                // Empty: no property was broken.
  int task = -1;                        // The thread that the law speaks of,
  int object = -1;                      // and the object.
  std::string object_name;
  std::string object_value;  // In the end.
  bool at_rest = false;      // Nothing more must happen at the end.
  int stuck_at = 0;          // The step that could not be taken; 0: none.
  std::string stuck_why;
  int switches = 0;

  bool broken() const { return !violation.empty(); }
  friend bool operator==(const Story&, const Story&);
};

// "17 steps"; "1 switch between threads".
std::string StepsOf(const Story& story);
std::string SwitchesOf(const Story& story);

// Runs the schedule; what follows its step `cycle` is a cycle.
Story Tell(const std::string& variant, const Scenario& scenario,
           const std::vector<Choice>& schedule, int cycle = -1);

// The story told shortly: which property, and of whom; who last looked at which
// word, what changed after that, and that nobody looked again. Without a
// violation it says that.
struct Diagnosis {
  std::string headline;            // The law, and what it means here.
  std::vector<std::string> facts;  // In the order of their steps.
  std::string sentence;            // All of it.
  int lost = -1;                   // The thread that nobody will wake.
  int task = -1;                   // The one that the sentence speaks of.
  int from = 0;                    // The two steps that matter; 0: none.
  int to = 0;
  // Steps in which it last looked, what it saw was changed, it acted on that,
  // and somebody took it out of where it was parked; 0: none.
  int looked = 0;
  int changed = 0;
  int acted = 0;
  int taken = 0;
};
Diagnosis Diagnose(const Story& story);

// "core/poll_desc.h:171", or nothing; and the statement there.
std::string PlaceOfMoment(const Moment& moment);
std::string StatementOfMoment(const Moment& moment);
// "commit.word, core/poll_desc.h:184": where a thread is to go on.
std::string WhereNext(const Story& story, int thread);

// "np1:…", see replay_string.h.
std::string ReplayStringOf(const Story& story);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_STORY_H_
