// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/flags.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A command with a flag of each kind.
struct Sample {
  std::string kind;
  bool json = false;
  std::string title = "none";
  std::string backend = "epoll";
  int threads = 1;
  std::chrono::nanoseconds timeout{0};
  Address listen;
  std::int64_t core = -1;
  double seconds = 0.5;
  Flags flags{"netpoll sample", "Does nothing."};

  Sample() {
    flags.Word("KIND", &kind, "what to do");
    flags.Switch("json", &json, "print JSON");
    flags.Text("title", "TEXT", &title, "a title");
    flags.Choice("backend", "NAME", &backend, {"epoll", "poll"}, "where");
    flags.Count("threads", "N", &threads, 1, 64, "workers");
    flags.Duration("timeout", "D", &timeout, "how long");
    flags.Endpoint("listen", "ADDRESS", &listen, "where to listen");
    flags.Count("core", "N", &core, 0, "where to run (any)");
    flags.Real("seconds", "S", &seconds, "for how long");
  }

  // The exit status, and the standard error in `said`.
  std::optional<int> Parse(const std::vector<std::string>& words) {
    ::testing::internal::CaptureStderr();
    const auto status = flags.Parse(words);
    said = ::testing::internal::GetCapturedStderr();
    return status;
  }

  std::string said;
};

TEST(Flags, TakesValuesInBothSpellingsInAnyOrder) {
  Sample s;
  EXPECT_EQ(s.Parse({"--threads=8", "echo", "--timeout", "250ms", "--json",
                     "--listen", "[::1]:80", "--backend=poll", "--title=a=b",
                     "--core", "4294967296", "--seconds=.25"}),
            std::nullopt);
  EXPECT_EQ(s.core, 4294967296);
  EXPECT_EQ(s.seconds, 0.25);
  EXPECT_EQ(s.kind, "echo");
  EXPECT_TRUE(s.json);
  EXPECT_EQ(s.threads, 8);
  EXPECT_EQ(s.timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(s.listen, (Address{.host = "::1", .port = 80}));
  EXPECT_EQ(s.backend, "poll");
  EXPECT_EQ(s.title, "a=b");
  EXPECT_EQ(s.said, "");
}

TEST(Flags, ADefaultThatCostsSomethingIsFoundOnlyWhenItIsNeeded) {
  int found = 0;
  const auto with_default = [&found](Sample& s) {
    s.flags.Default("backend", [&found, &s] {
      ++found;
      return s.backend = "poll";
    });
  };
  Sample given;
  with_default(given);
  EXPECT_EQ(given.Parse({"echo", "--backend", "epoll"}), std::nullopt);
  EXPECT_EQ(given.backend, "epoll");
  Sample mistaken;
  with_default(mistaken);
  EXPECT_EQ(mistaken.Parse({"echo", "echo"}), kExitBadUse);
  EXPECT_EQ(found, 0);
  Sample left_out;
  with_default(left_out);
  EXPECT_EQ(left_out.Parse({"echo"}), std::nullopt);
  EXPECT_EQ(left_out.backend, "poll");
  EXPECT_EQ(found, 1);
  Sample helped;
  with_default(helped);
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(helped.Parse({"--help"}), kExitOk);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              HasSubstr("(default poll)"));
  EXPECT_EQ(found, 2);
}

TEST(Flags, ADashIsAWordAndTwoDashesEndTheFlags) {
  Sample dash;
  EXPECT_EQ(dash.Parse({"-"}), std::nullopt);
  EXPECT_EQ(dash.kind, "-");
  Sample ended;
  EXPECT_EQ(ended.Parse({"--", "--json"}), std::nullopt);
  EXPECT_EQ(ended.kind, "--json");
  EXPECT_FALSE(ended.json);
}

TEST(Flags, EveryMistakeIsOneSentenceAndExitStatusTwo) {
  const struct {
    std::vector<std::string> words;
    const char* says;
  } kCases[] = {
      {{}, "KIND is missing"},
      {{"a", "--core", "-1"}, "--core is '-1', not a number, 0 or more"},
      {{"a", "--seconds", "-1"}, "--seconds is '-1', not a number such as 0.5"},
      {{"a", "--seconds", "1s"}, "--seconds is '1s', not a number such as 0.5"},
      {{"a", "--seconds", "inf"}, "--seconds is 'inf', not a number such as"},
      {{"a", "--seconds", "nan"}, "--seconds is 'nan', not a number such as"},
      {{"a", "b"}, "unexpected word 'b'"},
      {{"a", "--jsn"}, "unknown flag '--jsn' (did you mean '--json'?)"},
      {{"a", "-j"}, "unknown flag '-j'"},
      {{"a", "--zzzzzzzz"}, "unknown flag '--zzzzzzzz'; see"},
      {{"a", "--json=yes"}, "--json takes no value"},
      {{"a", "--threads"}, "--threads needs a value, N"},
      {{"a", "--threads", "0"}, "'0', not a number from 1 to 64"},
      {{"a", "--threads", "65"}, "'65', not a number from 1 to 64"},
      {{"a", "--threads", "-1"}, "'-1', not a number from 1 to 64"},
      {{"a", "--threads", "1x"}, "'1x', not a number"},
      {{"a", "--threads", "99999999999999999999"}, "not a number from"},
      {{"a", "--timeout", "5"}, "'5', not a duration such as"},
      {{"a", "--timeout=-1s"}, "not a duration"},
      {{"a", "--timeout=inf"}, "not a duration"},
      {{"a", "--timeout", "2562048h"},
       "--timeout is '2562048h', not a duration of at most 2562047h"},
      {{"a", "--listen=80"}, "not HOST:PORT"},
      {{"a", "--backend=epol"}, "one of epoll, poll (did you mean 'epoll'?)"},
      {{"a", "--title="}, "not a value"},
  };
  for (const auto& c : kCases) {
    Sample s;
    EXPECT_EQ(s.Parse(c.words), kExitBadUse) << c.says;
    EXPECT_THAT(s.said, StartsWith("netpoll sample: "));
    EXPECT_THAT(s.said, HasSubstr(c.says));
    EXPECT_EQ(s.said.find('\n'), s.said.size() - 1) << s.said;
  }
}

TEST(Flags, ARequiredFlagMustBeGiven) {
  Sample s;
  s.flags.Require("listen");
  EXPECT_EQ(s.Parse({"a"}), kExitBadUse);
  EXPECT_THAT(s.said, HasSubstr("--listen ADDRESS is required"));
}

TEST(Flags, HelpNamesEveryFlagWithItsDefault) {
  Sample s;
  const std::string help = s.flags.Help();
  for (const char* part :
       {"usage: netpoll sample KIND", "--threads N", "(default 1)",
        "(default epoll)", "one of epoll, poll", "exit status:", "--help"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
}

TEST(Flags, HelpIsAnsweredWithStatusZero) {
  Sample s;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(s.Parse({"--help"}), kExitOk);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), s.flags.Help());
}

}  // namespace
}  // namespace netpoll::tools
