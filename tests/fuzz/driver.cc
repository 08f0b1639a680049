// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without a fuzzer: so many inputs, random, from one seed.
// NETPOLL_FUZZ_CASES and NETPOLL_FUZZ_SEED in the environment choose others.
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
  const std::uint64_t cases =
      FromEnvironment("NETPOLL_FUZZ_CASES", deep ? 3'000'000 : 20'000);
  const std::uint64_t seed = FromEnvironment("NETPOLL_FUZZ_SEED", 20240229);
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> input;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < cases; ++i) {
    input.resize(random() % 400);
    for (std::uint8_t& byte : input) {
      byte = static_cast<std::uint8_t>(random());
    }
    EXPECT_EQ(LLVMFuzzerTestOneInput(input.data(), input.size()), 0);
    bytes += input.size();
  }
  std::printf("%llu inputs of %llu bytes\n",
              static_cast<unsigned long long>(cases),
              static_cast<unsigned long long>(bytes));
}

TEST(Fuzz, TheEmptyInputIsOne) {
  EXPECT_EQ(LLVMFuzzerTestOneInput(nullptr, 0), 0);
}

}  // namespace
}  // namespace netpoll::fuzz
