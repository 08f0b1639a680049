// SPDX-License-Identifier: Apache-2.0
//
// The same bytes, generated and shrunk by rapidcheck.

#include "rapidcheck.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/fuzz/target.h"
#include "rapidcheck/gtest.h"

namespace netpoll::model {
namespace {

const Variant& Shipped() {
  for (const auto& variant : Variants()) {
    if (variant.name == "shipped") return variant;
  }
  return *Canary();
}

// Half of the bytes stay; the first chooses the configuration, the second says
// that the rest is a schedule.
rc::Gen<Bytes> Inputs() {
  const auto byte = rc::gen::oneOf(rc::gen::just(std::uint8_t{0}),
                                   rc::gen::arbitrary<std::uint8_t>());
  return rc::gen::map(
      rc::gen::pair(rc::gen::arbitrary<std::uint8_t>(),
                    rc::gen::resize(120, rc::gen::container<Bytes>(byte))),
      [](const std::pair<std::uint8_t, Bytes>& parts) {
        Bytes bytes(2 + parts.second.size());
        bytes[0] = parts.first;
        std::copy(parts.second.begin(), parts.second.end(), bytes.begin() + 2);
        return bytes;
      });
}

RC_GTEST_PROP(Schedules, BreakNoProperty, ()) {
  static auto& target = *new Target(Fuzzed(Shipped()));
  const Bytes bytes = *Inputs();
  const auto outcome = target.Run(bytes);
  if (outcome.broken()) RC_FAIL(outcome.run.violation);
}

TEST(Schedules, TheCanaryIsFoundAndShrunk) {
  Target target(Fuzzed(*Canary()));
  Bytes first;
  Bytes smallest;
  std::string violation;
  bool found = false;
  // A property that fails is what is wanted here: what fails last is smallest.
  rc::detail::TestParams params;
  params.seed = 1;
  params.maxSuccess = 200'000;
  rc::detail::checkTestable(
      [&] {
        const Bytes bytes = *Inputs();
        const auto outcome = target.Run(bytes);
        if (!outcome.broken()) return;
        if (!found) {
          first = bytes;
          violation = outcome.run.violation;
        }
        found = true;
        smallest = bytes;
        RC_FAIL(outcome.run.violation);
      },
      rc::detail::TestMetadata(), params);
  ASSERT_TRUE(found);
  EXPECT_EQ(violation.substr(0, 3), "L1:");
  const auto switches = [](const Bytes& bytes) {
    return std::count_if(bytes.begin(), bytes.end(),
                         [](std::uint8_t byte) { return byte != 0; });
  };
  EXPECT_LT(switches(smallest), switches(first));
}

}  // namespace
}  // namespace netpoll::model
