// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/refusal_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpoll::server {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::vector<std::string> lines;
void Keep(std::string_view line) { lines.emplace_back(line); }

class Refusals : public ::testing::Test {
 protected:
  void SetUp() override { lines.clear(); }
  RefusalLog log_{&Keep};
};

TEST_F(Refusals, TheFirstIsSaidAtOnceWithItsCause) {
  log_.Add(EMFILE, 5);
  EXPECT_THAT(lines, ::testing::ElementsAre(
                         "netpoll: a client was refused: EMFILE (Too many open "
                         "files); the server goes on\n"));
}

TEST_F(Refusals, AreSaidOnceASecondAndAllCounted) {
  constexpr int kCount = 10'000;
  for (int i = 0; i < kCount; ++i) log_.Add(ENOMEM, i * kSecond / 1000);
  EXPECT_EQ(lines.size(), 10u);
  std::uint64_t quiet = 0;
  for (const std::string& line : lines) {
    std::smatch found;
    if (std::regex_search(line, found, std::regex("(\\d+) more tries"))) {
      quiet += std::stoull(found[1]);
    }
  }
  // Those of the last second are still to be told.
  EXPECT_EQ(quiet + lines.size(), kCount - 999u);
  log_.Add(ENOMEM, 100 * kSecond);
  EXPECT_THAT(lines.back(), ::testing::HasSubstr("; 999 more tries since"));
}

TEST_F(Refusals, NothingIsSaidOfMoreWhenThereWereNone) {
  log_.Add(EMFILE, 0);
  log_.Add(EMFILE, 2 * kSecond);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].find("more"), std::string::npos);
}

TEST_F(Refusals, AnErrorWithoutANameIsSaidToo) {
  log_.Add(9999, 0);
  EXPECT_THAT(lines, ::testing::ElementsAre(::testing::HasSubstr("refused: ")));
}

// Would hang if it wrote.
TEST_F(Refusals, WhoeverReadsNothingHoldsNobodyUp) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int saved = ::dup(STDERR_FILENO);
  ASSERT_EQ(::dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  const int flags = ::fcntl(ends[1], F_GETFL);
  ::fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
  const std::string filling(4096, 'x');
  while (::write(ends[1], filling.data(), filling.size()) > 0) {
  }
  ::fcntl(ends[1], F_SETFL, flags);
  RefusalLog log;
  log.Add(EMFILE, 0);
  ::dup2(saved, STDERR_FILENO);
  for (const int fd : {ends[0], ends[1], saved}) ::close(fd);
}

}  // namespace
}  // namespace netpoll::server
