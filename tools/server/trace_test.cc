// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace.h"

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/runtime_observer.h"

namespace netpoll::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Written(const Trace& trace, bool killed = false) {
  std::FILE* const file = std::tmpfile();
  EXPECT_TRUE(trace.Write(file, killed));
  std::string text(1 << 20, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

int Count(std::string_view text, std::string_view part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; ++at) {
    ++count;
  }
  return count;
}

TEST(Trace, AWaitHasBothItsEndsAndOneThatLastsGoesOn) {
  Trace trace(1);
  const ObservedWait read{7, Mode::kRead, nullptr};
  const ObservedWait write{7, Mode::kWrite, nullptr};
  trace.WaitBegins(0, read);
  trace.WaitBegins(-1, write);
  trace.WaitEnds(0, read);
  trace.WaitBegins(0, read);
  trace.WaitEnds(0, read);
  const std::string text = Written(trace);
  EXPECT_THAT(text, HasSubstr("{\"kept\": 5, \"lost\": 0, "));
  EXPECT_THAT(text, HasSubstr("\"fd 7 read\""));
  EXPECT_THAT(text, HasSubstr("\"fd 7 write\""));
  EXPECT_EQ(Count(text, "\"cat\": \"wait\""), 3);
  EXPECT_EQ(Count(text, "\"goes_on\": true"), 1);
}

// What was written over is counted, and an end without its begin is left out.
TEST(Trace, TheOldestAreWrittenOver) {
  Trace trace(2, 4);
  const ObservedWait wait{3, Mode::kRead, nullptr};
  trace.WaitBegins(1, wait);
  for (int i = 0; i < 3; ++i) trace.Polled(1, 1000, 2000, 5);
  trace.WaitEnds(1, wait);
  trace.TaskRan(0, 1500, 2500);
  EXPECT_EQ(trace.kept(), 5u);
  EXPECT_EQ(trace.lost(), 1u);
  const std::string text = Written(trace);
  EXPECT_THAT(text, Not(HasSubstr("\"cat\": \"wait\"")));
  EXPECT_EQ(Count(text, "{\"woken\": 5}"), 3);
  // Times are in microseconds from the first.
  EXPECT_THAT(text, HasSubstr("\"ts\": 0.000, \"dur\": 1.000"));
  EXPECT_THAT(text, HasSubstr("\"ts\": 0.500, \"dur\": 1.000"));
}

// What writes over the oldest may have been killed in the midst.
TEST(Trace, OfOneThatWasKilledTheOldestIsLeftOut) {
  Trace trace(1, 4);
  for (int i = 0; i < 5; ++i) trace.Polled(0, 1000 * i, 1000 * i + 1, i);
  EXPECT_EQ(Count(Written(trace), "\"woken\""), 4);
  const std::string text = Written(trace, true);
  EXPECT_THAT(text, HasSubstr("\"killed\": true"));
  EXPECT_EQ(Count(text, "\"woken\""), 3);
  EXPECT_THAT(text, Not(HasSubstr("{\"woken\": 1}")));
}

}  // namespace
}  // namespace netpoll::server
