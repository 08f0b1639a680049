// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Values, NumbersAreDecimalDigitsThatFit) {
  EXPECT_EQ(ParseNumber("0"), 0);
  EXPECT_EQ(ParseNumber("007"), 7);
  EXPECT_EQ(ParseNumber("9223372036854775807"), INT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1e3", "0x10", "one",
                           "9223372036854775808"}) {
    EXPECT_FALSE(ParseNumber(text)) << text;
  }
}

TEST(Values, DurationsHaveUnits) {
  EXPECT_EQ(ParseDuration("1s"), milliseconds(1000));
  EXPECT_EQ(ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(ParseDuration("1m0.5s"), milliseconds(60'500));
  EXPECT_EQ(ParseDuration("0"), nanoseconds(0));
  for (const char* text : {"", "1", "-1s", "inf", "1 s", "s", "10000000h"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
  EXPECT_EQ(ParseDuration("2562047h47m16.854775807s"), nanoseconds::max());
  for (const char* text :
       {"2562048h", "2562047h47m16.854775808s", "99999999999999999999ns",
        "9223372036854775807ns1ns", "9223372036.9s", "1s99999999999h1s"}) {
    bool too_long = false;
    EXPECT_FALSE(ParseDuration(text, &too_long)) << text;
    EXPECT_TRUE(too_long) << text;
  }
  for (const char* text : {"", "1", "2562048hh", "2562048h1", "2562048h x"}) {
    bool too_long = false;
    EXPECT_FALSE(ParseDuration(text, &too_long)) << text;
    EXPECT_FALSE(too_long) << text;
  }
  const struct {
    std::int64_t nanos;
    const char* text;
  } kShortest[] = {
      {0, "0"},
      {1, "1ns"},
      {999'999, "999.999us"},
      {250'000'000, "250ms"},
      {1'500'000'000, "1.5s"},
      {90'000'000'000, "1m30s"},
      {3'600'000'000'001, "1h0.000000001s"},
      {nanoseconds::max().count(), "2562047h47m16.854775807s"},
  };
  for (const auto& [nanos, text] : kShortest) {
    EXPECT_EQ(FormatDuration(nanoseconds(nanos)), text);
    EXPECT_EQ(ParseDuration(text), nanoseconds(nanos));
  }
}

TEST(Values, AddressesAreReadAsTheyArePrinted) {
  for (const char* text :
       {"127.0.0.1:0", "localhost:65535", ":80", "[::1]:8080", "unix:/tmp/s"}) {
    const auto address = ParseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(FormatAddress(*address), text);
  }
  for (const char* text : {"", "80", "a:", "a:65536", "a:-1", "::1:80", "[]:1",
                           "[::1]", "unix:", "a:b"}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
}

TEST(Suggest, NamesTheNearestOrNobody) {
  const std::string_view names[] = {"scenario", "serve", "backends"};
  EXPECT_EQ(Nearest("scnario", names), "scenario");
  EXPECT_EQ(Nearest("server", names), "serve");
  EXPECT_EQ(Nearest("xyzzy", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(100'000, 's'), names), "");
}

TEST(Quoted, IsFitForOneLineOfATerminal) {
  EXPECT_EQ(Quoted("a b"), "'a b'");
  EXPECT_EQ(Quoted(std::string_view("a\0\n\x1b", 4)), "'a\\000\\n\\033'");
  EXPECT_LT(Quoted(std::string(1000, 'x')).size(), 70u);
}

TEST(Json, EscapesWhatMustBe) {
  EXPECT_EQ(JsonString("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

TEST(Json, AnObjectHasItsMembersInTheOrderOfTheirComing) {
  JsonObject inner, other, object;
  inner.Add("true", true);
  other.Add("digits", 1.25, 1).AddNull("none");
  object.Add("text", "a\"b").Add("number", -1).Add("inner", inner);
  EXPECT_EQ(
      JsonObject().AddAllOf(object).AddAllOf(other).text(),
      "{\"text\": \"a\\\"b\", \"number\": -1, \"inner\": {\"true\": true}, "
      "\"digits\": 1.2, \"none\": null}");
}

TEST(Text, AWordOfAShell) {
  EXPECT_EQ(InShell("unix:/tmp/echo"), "unix:/tmp/echo");
  EXPECT_EQ(InShell("a b"), "'a b'");
  EXPECT_EQ(InShell("it's"), "'it'\\''s'");
  EXPECT_EQ(InShell("*"), "'*'");
  EXPECT_EQ(InShell(""), "''");
}

TEST(Text, LinesFitATerminal) {
  EXPECT_EQ(Wrapped("short", 10), "short");
  const std::string words(70, 'x');
  EXPECT_EQ(Wrapped(words + " and more", 4), words + " and\n    more");
  EXPECT_EQ(Wrapped(words + words + " more", 0), words + words + "\nmore");
}

}  // namespace
}  // namespace netpoll::tools
