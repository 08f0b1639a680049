// SPDX-License-Identifier: Apache-2.0
//
// Whatever the input, a run ends, and ends in words.
#include <cstddef>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/tests/scenario/in_process.h"
#include "netpoll/tools/cli/scenario/statement.h"

namespace netpoll {
namespace {

using Random = std::mt19937;

std::size_t Below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

// "f:LINE: what is wrong", and nothing else.
bool IsMessage(const std::string& text) {
  if (!text.starts_with("f:")) return false;
  const std::size_t colon = text.find_first_not_of("0123456789", 2);
  return colon > 2 && text.find(": ", colon) == colon &&
         text.size() > colon + 3 && text.find('\n') == text.size() - 1;
}

void ExpectSaneEnd(const std::string& text) {
  const ScenarioResult result = RunText(text);
  if (result.kept_the_rules) {
    EXPECT_EQ(result.err, "") << text;
  } else {
    EXPECT_TRUE(IsMessage(result.err)) << result.err;
  }
}

std::string Bytes(Random& random, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += static_cast<char>(Below(random, 256));
  }
  return text;
}

// Words that are statements more often than not. No long sleeps.
std::string Words(Random& random, std::size_t lines) {
  static const char* const kWords[] = {
      "open",     "reset", "wait",       "reader",     "writer",
      "task",     "read",  "write",      "peer-read",  "peer-write",
      "fill",     "drain", "peer-drain", "peer-close", "peer-shutdown",
      "deadline", "sleep", "unblock",    "close"};
  static const char* const kOperands[] = {
      "a",     "b", "a", "r",    "w",    "rw", "t",
      "u",     "1", "2", "none", "past", "0",  "9223372036854775807",
      "65536", "3", "#", "\t",   "x"};
  // How many operands each of kWords takes.
  static const char kCounts[] =
      "1233122"
      "222"
      "111"
      "11"
      "3"
      "1"
      "11";
  std::string text = "open a\nopen b\n";
  for (std::size_t i = 0; i < lines; ++i) {
    const std::size_t verb = Below(random, std::size(kWords));
    text += kWords[verb];
    std::size_t operands = kCounts[verb] - '0' + (Below(random, 30) == 0);
    if (std::string(kWords[verb]) == "sleep") {
      text += " 1\n";
      continue;
    }
    while (operands-- > 0) {
      text += ' ';
      text += kOperands[Below(random, std::size(kOperands))];
    }
    text += '\n';
  }
  return text;
}

TEST(Garbage, RandomBytesEndInWords) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    ExpectSaneEnd(Bytes(random, Below(random, 300)));
  }
}

TEST(Garbage, RandomWordsEndInWords) {
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    ExpectSaneEnd(Words(random, Below(random, 30)));
  }
}

TEST(Garbage, DamagedScenariosEndInWords) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    std::string text =
        "open a\nreader a t 5\npeer-write a 3\ntask t\ndeadline a rw 1\n"
        "fill a\nwriter a u 9\npeer-drain a\nunblock a\nclose a\nopen a\n";
    for (int damage = 0; damage < 3; ++damage) {
      text[Below(random, text.size())] = static_cast<char>(Below(random, 256));
    }
    ExpectSaneEnd(text);
  }
}

TEST(Garbage, ParsingNeverFindsBothAStatementAndAMistake) {
  Random random(4);
  for (int i = 0; i < 20'000; ++i) {
    const std::string line =
        i % 2 == 0 ? Bytes(random, Below(random, 40)) : Words(random, 1);
    const scenario::ParsedLine parsed = scenario::ParseLine(line);
    EXPECT_FALSE(parsed.statement && !parsed.error.empty());
  }
}

TEST(Garbage, ManyDescriptorsMeetTheLimitAndGoOn) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "open d" + std::to_string(i) + "\n";
  text += "reader d0 t 1\npeer-write d0 1\ntask t\n";
  const ScenarioResult result = RunText(text);
  EXPECT_TRUE(result.kept_the_rules) << result.err;
  EXPECT_TRUE(result.out.ends_with("task t: 1\n"));
}

}  // namespace
}  // namespace netpoll
