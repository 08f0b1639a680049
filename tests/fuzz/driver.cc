// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without a fuzzer: so many inputs, random, from one seed;
// in the deep tests, as many as a minute has room for. In the environment
// NETPOLL_FUZZ_CASES, NETPOLL_FUZZ_SECONDS and NETPOLL_FUZZ_SEED choose others;
// with both limits, whichever comes first.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace netpoll::fuzz {
namespace {

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(Fuzz, NoInputBreaksALaw) {
  const bool deep = std::getenv("NETPOLL_DEEP") != nullptr;
  const std::uint64_t seconds =
      FromEnvironment("NETPOLL_FUZZ_SECONDS", deep ? 60 : 0);
  const std::uint64_t cases =
      FromEnvironment("NETPOLL_FUZZ_CASES", seconds != 0 ? UINT64_MAX : 20'000);
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  const std::uint64_t seed = FromEnvironment("NETPOLL_FUZZ_SEED", 20240229);
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> input;
  std::uint64_t bytes = 0;
  std::uint64_t done = 0;
  for (; done < cases; ++done) {
    if (seconds != 0 && done % 256 == 0 && Clock::now() >= end) break;
    input.resize(random() % 400);
    for (std::uint8_t& byte : input) {
      byte = static_cast<std::uint8_t>(random());
    }
    EXPECT_EQ(LLVMFuzzerTestOneInput(input.data(), input.size()), 0);
    bytes += input.size();
  }
  std::printf("%llu inputs of %llu bytes\n",
              static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(bytes));
}

TEST(Fuzz, TheEmptyInputIsOne) {
  EXPECT_EQ(LLVMFuzzerTestOneInput(nullptr, 0), 0);
}

}  // namespace
}  // namespace netpoll::fuzz
