// SPDX-License-Identifier: Apache-2.0
//
// A schedule, replayed and written down: for the terminal, for a trace file.

#ifndef NETPOLL_MODEL_ENGINE_TRACE_H_
#define NETPOLL_MODEL_ENGINE_TRACE_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/explore.h"

namespace netpoll_model {

struct TraceLine {
  int step = 0;
  int thread = 0;
  std::string thread_name;
  std::string site;
  std::string operation;
  std::string object;
  std::string before;
  std::string after;

  // "3 reader commit.slot cas rg wait -> task:reader"
  std::string Text() const;
};

struct Trace {
  std::vector<TraceLine> lines;
  std::string violation;  // Empty: the schedule breaks nothing.
  bool complete = true;   // False: a step of the schedule could not be taken.
  int switches = 0;
  // Values of the words (by name) after each line, for pictures.
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> values;
  std::vector<std::string> thread_names;
};

Trace Replay(Exploration& exploration, const std::vector<Choice>& schedule);

// One lane for each thread, one line for each access.
std::string Lanes(const Trace& trace);

// "scenario:0a1b.2…": threads as letters from a, a digit after one for its
// branch, a number before one for that many steps.
std::string Encode(const std::string& scenario,
                   const std::vector<Choice>& schedule);
// False if it is not such a string; `why` says what is wrong with it.
bool Decode(const std::string& text, std::string* scenario,
            std::vector<Choice>* schedule, std::string* why);

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_TRACE_H_
