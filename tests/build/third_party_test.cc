// SPDX-License-Identifier: Apache-2.0
// The wiring of third_party: each library is included, linked and called once.
#include <liburing.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

ABSL_FLAG(int, house_number, 1, "a flag");

namespace netpoll {
namespace {

TEST(ThirdParty, AbseilLinks) {
  absl::flat_hash_map<std::string, int> map = {{"a", 1}};
  absl::InlinedVector<int, 2> vector = {1, 2, 3};
  absl::StatusOr<int> status = absl::InvalidArgumentError("no");
  EXPECT_EQ(absl::StrCat(map["a"], absl::StrFormat("%d", vector[2])), "13");
  EXPECT_EQ(status.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(absl::MakeSpan(vector).size(), 3u);
  EXPECT_NE(absl::FormatTime(absl::Now()), "");
}

TEST(ThirdParty, AbseilFlagsParse) {
  absl::SetProgramUsageMessage("test");
  std::string program = "p";
  std::string flag = "--house_number=7";
  std::vector<char*> argv = {program.data(), flag.data()};
  absl::ParseCommandLine(2, argv.data());
  EXPECT_EQ(absl::GetFlag(FLAGS_house_number), 7);
}

TEST(ThirdParty, AbseilCleanupRuns) {
  int runs = 0;
  {
    auto cleanup = absl::MakeCleanup([&runs] { ++runs; });
  }
  EXPECT_EQ(runs, 1);
}

TEST(ThirdParty, GoogleMockMatches) {
  EXPECT_THAT((std::vector<int>{1, 2}), ::testing::ElementsAre(1, 2));
}

RC_GTEST_PROP(ThirdParty, RapidcheckRuns, (int a, int b)) {
  RC_ASSERT(static_cast<int64_t>(a) + b == static_cast<int64_t>(b) + a);
}

TEST(ThirdParty, BeastParses) {
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  boost::beast::error_code error;
  parser.eager(true);
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  parser.put(boost::asio::buffer(text), error);
  EXPECT_FALSE(error);
  EXPECT_TRUE(parser.is_done());
}

TEST(ThirdParty, BenchmarkLinks) { benchmark::Shutdown(); }

TEST(ThirdParty, LiburingLinks) {
  io_uring_probe* probe = io_uring_get_probe();  // Null where it is refused.
  if (probe != nullptr) io_uring_free_probe(probe);
}

}  // namespace
}  // namespace netpoll
