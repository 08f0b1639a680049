// SPDX-License-Identifier: Apache-2.0
//
// The differential test: one script on the reference model and on a backend,
// every printed result compared, quiescent after each statement. Whoever writes
// a backend adds a test of one line:
//
//   NETPOLL_DIFFERENTIAL(MyBackend, OnSockets<my::Backend<>>);
//
// A script that fails is printed as a scenario file: save it, and see what
// `netpoll scenario FILE --backend NAME` makes of it.
//
// NETPOLL_DEEP in the environment: many more, and longer ones.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_DIFFERENTIAL_H_
#define NETPOLL_TESTS_DIFFERENTIAL_DIFFERENTIAL_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/differential/generators.h"
#include "netpoll/tests/differential/script.h"
#include "netpoll/tests/differential/subjects.h"
#include "netpoll/tests/property/adversaries.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "rapidcheck.h"

namespace netpoll::differential {

inline bool Deep() { return std::getenv("NETPOLL_DEEP") != nullptr; }

// Before the first property; what the environment says already wins.
inline void ConfigureRapidcheck() {
  ::setenv("RC_PARAMS",
           Deep() ? "seed=20240229 max_success=10000 max_size=150"
                  : "seed=20240229 max_success=400 max_size=60",
           /*overwrite=*/0);
}

// What differs first, or empty.
template <class Subject>
std::string Difference(const Script& script) {
  Subject subject(FakeAdversary{}, 1);
  if (subject.Init() != 0) return "the backend does not start";
  std::size_t number = 0;
  for (const Line& line : script.lines) {
    ++number;
    const scenario::Outcome outcome = subject.Execute(line.statement);
    const std::string& got =
        outcome.error.empty() ? outcome.result : outcome.error;
    if (got != line.expected) {
      return "line " + std::to_string(number) + ", " + line.statement.text +
             ": " + got + " instead of " + line.expected;
    }
    const std::string lost = subject.Lost();
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
  Subject subject(adversary, seed);
  if (subject.Init() != 0) return "the backend does not start";
  std::string done;
  for (const std::string& line : lines) {
    const scenario::ParsedLine parsed = scenario::ParseLine(line);
    if (!parsed.statement) return line + ": " + parsed.error;
    const scenario::Outcome outcome = subject.Execute(*parsed.statement);
    if (!outcome.error.empty()) continue;
    done += line + "\n";
    const std::string lost = subject.Lost();
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

template <class Subject>
class Differential : public ::testing::Test {
 protected:
  void SetUp() override {
    ConfigureRapidcheck();
    Subject subject(FakeAdversary{}, 1);
    const int error = subject.Init();
    if (error != 0) GTEST_SKIP() << "does not run here: errno " << error;
  }
};
TYPED_TEST_SUITE_P(Differential);

TYPED_TEST_P(Differential, EveryShortScriptPrintsWhatTheReferencePrints) {
  int scripts = 0;
  for (const auto* alphabet : {&BytesAlphabet(), &WaitsAlphabet()}) {
    // Short ones first, so that a failure shows a shortest script.
    for (std::size_t length = 1; length <= (Deep() ? 4u : 3u); ++length) {
      ASSERT_EQ(EveryScript<TypeParam>(*alphabet, length, &scripts), "");
    }
  }
  std::printf("%d scripts\n", scripts);
  EXPECT_GT(scripts, 1000);
}

TYPED_TEST_P(Differential, RandomScriptsPrintWhatTheReferencePrints) {
  constexpr unsigned kDescriptors = 3;
  std::size_t lines = 0;
  EXPECT_TRUE(rc::check("same as the reference", [&] {
    const auto ops = *rc::gen::container<std::vector<Op>>(Ops(kDescriptors));
    const Script script = Write(ops, kDescriptors);
    const std::string difference = Difference<TypeParam>(script);
    lines += script.lines.size();
    RC_LOG() << difference << ":\n" << script.Text();
    RC_ASSERT(difference.empty());
  }));
  std::printf("%zu statements\n", lines);
  EXPECT_GT(lines, 10'000u);
}

TYPED_TEST_P(Differential, NoWakeUpIsLostInScriptsThatAreNotPortable) {
  EXPECT_TRUE(rc::check("nobody sleeps who could go on", [&] {
    const FakeAdversary adversary =
        TypeParam::kHasAdversary ? *Adversaries() : FakeAdversary{};
    const auto seed = *rc::gen::inRange(1, 1'000'000);
    auto lines = *rc::gen::container<std::vector<std::string>>(Statements());
    lines.insert(lines.begin(), {"open a", "open b"});
    const std::string lost = FirstLost<TypeParam>(
        lines, adversary, static_cast<std::uint64_t>(seed));
    RC_LOG() << lost;
    RC_ASSERT(lost.empty());
  }));
}

REGISTER_TYPED_TEST_SUITE_P(Differential,
                            EveryShortScriptPrintsWhatTheReferencePrints,
                            RandomScriptsPrintWhatTheReferencePrints,
                            NoWakeUpIsLostInScriptsThatAreNotPortable);

}  // namespace netpoll::differential

// `name` is for the names of the tests; the subject's type follows.
#define NETPOLL_DIFFERENTIAL(name, ...)                              \
  namespace netpoll::differential {                                  \
  using name##Subject = ::testing::Types<__VA_ARGS__>;               \
  INSTANTIATE_TYPED_TEST_SUITE_P(name, Differential, name##Subject); \
  }                                                                  \
  static_assert(true)

#endif  // NETPOLL_TESTS_DIFFERENTIAL_DIFFERENTIAL_H_
