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
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/tests/differential/compare.h"
#include "netpoll/tests/differential/generators.h"
#include "netpoll/tests/differential/script.h"
#include "netpoll/tests/differential/subjects.h"
#include "netpoll/tests/property/adversaries.h"
#include "rapidcheck.h"

namespace netpoll::differential {

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
