// SPDX-License-Identifier: Apache-2.0
//
// Runs scripts on a subject (subjects.h), and says what is wrong.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_COMPARE_H_
#define NETPOLL_TESTS_DIFFERENTIAL_COMPARE_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/tests/differential/script.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/statement.h"

namespace netpoll::differential {

inline bool Deep() { return std::getenv("NETPOLL_DEEP") != nullptr; }

// Before the first property; what the environment says already wins. A
// sanitizer makes each script take many times as long, so it gets fewer.
inline void ConfigureRapidcheck() {
  const bool sanitized = std::getenv("NETPOLL_SANITIZER") != nullptr;
  const char* const deep = sanitized
                               ? "seed=20240229 max_success=1000 max_size=150"
                               : "seed=20240229 max_success=10000 max_size=150";
  ::setenv("RC_PARAMS",
           Deep() ? deep : "seed=20240229 max_success=400 max_size=60",
           /*overwrite=*/0);
}

// A subject that has started, or null. A ring that was closed gives its locked
// memory back a little later, so thousands of them in a row need patience.
template <class Subject>
std::unique_ptr<Subject> Start(const FakeAdversary& adversary,
                               std::uint64_t seed) {
  constexpr int kMostTries = 1'000'000;
  for (int i = 0; i < kMostTries; ++i) {
    auto subject = std::make_unique<Subject>(adversary, seed);
    const int error = subject->Init();
    if (error == 0) return subject;
    if (error != ENOMEM) return nullptr;
    subject = nullptr;
    std::this_thread::yield();
  }
  return nullptr;
}

// What differs first, or empty.
template <class Subject>
std::string Difference(const Script& script) {
  const auto subject = Start<Subject>(FakeAdversary{}, 1);
  if (subject == nullptr) return "the backend does not start";
  std::size_t number = 0;
  for (const Line& line : script.lines) {
    ++number;
    const scenario::Outcome outcome = subject->Execute(line.statement);
    const std::string& got =
        outcome.error.empty() ? outcome.result : outcome.error;
    if (got != line.expected) {
      return "line " + std::to_string(number) + ", " + line.statement.text +
             ": " + got + " instead of " + line.expected;
    }
    const std::string lost = subject->Lost();
    if (!lost.empty()) {
      return "line " + std::to_string(number) + ", " + line.statement.text +
             ": task " + lost + " sleeps although its call would succeed";
    }
  }
  return "";
}

// Runs lines that need not be portable, nor even allowed: those are skipped.
// The first task that sleeps although its call would succeed, or empty.
template <class Subject>
std::string FirstLost(const std::vector<std::string>& lines,
                      const FakeAdversary& adversary, std::uint64_t seed) {
  const auto subject = Start<Subject>(adversary, seed);
  if (subject == nullptr) return "the backend does not start";
  std::string done;
  for (const std::string& line : lines) {
    const scenario::ParsedLine parsed = scenario::ParseLine(line);
    if (!parsed.statement) return line + ": " + parsed.error;
    const scenario::Outcome outcome = subject->Execute(*parsed.statement);
    if (!outcome.error.empty()) continue;
    done += line + "\n";
    const std::string lost = subject->Lost();
    if (!lost.empty()) {
      return "task " + lost + " sleeps although its call would succeed:\n" +
             done;
    }
  }
  return "";
}

// Every list of `length` operations out of `alphabet` on one descriptor. A
// list whose last operation is left out stands for all that begin so.
template <class Subject>
std::string EveryScript(const std::vector<Op>& alphabet, std::size_t length,
                        int* scripts) {
  std::vector<std::size_t> digits(length, 0);
  for (;;) {
    std::vector<Op> ops;
    Script script;
    std::size_t used = 0;
    while (used < length && script.used_last) {
      ops.push_back(alphabet[digits[used++]]);
      script = Write(ops, 1);
    }
    if (script.used_last) {
      ++*scripts;
      const std::string difference = Difference<Subject>(script);
      if (!difference.empty()) return difference + ":\n" + script.Text();
    }
    std::size_t at = used;
    while (at > 0 && ++digits[at - 1] == alphabet.size()) --at;
    if (at == 0) return "";
    for (std::size_t i = at; i < length; ++i) digits[i] = 0;
  }
}

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_COMPARE_H_
