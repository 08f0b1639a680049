// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/http_exchange.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/server/http_talk.h"

namespace netpoll::server {
namespace {

using Next = HttpExchange::Next;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kHello = "\r\n\r\nHello from netpoll.\n";

TEST(HttpExchange, GetIsAnsweredAndTheConnectionKept) {
  const Talk talk = Ask(kGet);
  EXPECT_THAT(talk.output, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(talk.output, HasSubstr("\r\nContent-Length: 20\r\n"));
  EXPECT_THAT(talk.output, HasSubstr(" GMT\r\n"));
  EXPECT_THAT(talk.output, EndsWith(kHello));
  EXPECT_THAT(talk.output, Not(HasSubstr("Connection:")));
  EXPECT_FALSE(talk.closed);
}

TEST(HttpExchange, HeadHasTheFieldsOfGetAndNoBody) {
  const Talk get = Ask(kGet);
  const Talk head = Ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(Undated(head.output) + std::string(kHello.substr(4)),
            Undated(get.output));
}

TEST(HttpExchange, APageIsMadeWhenItIsAskedFor) {
  int made = 0;
  const Pages pages = {{"/metrics", "text/x", [&made] {
                          return "made " + std::to_string(++made) + "\n";
                        }}};
  const auto ask = [&pages](std::string_view target, std::size_t piece) {
    HttpExchange http(&pages);
    const std::string get =
        "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    return Feed(http, get, piece).output;
  };
  EXPECT_THAT(ask("/metrics", 1000), EndsWith("\r\n\r\nmade 1\n"));
  EXPECT_THAT(ask("/metrics", 1), EndsWith("\r\n\r\nmade 2\n"));
  EXPECT_THAT(ask("/metrics?x=/y", 1000), EndsWith("made 3\n"));
  EXPECT_THAT(ask("http://h:80/metrics", 1000), EndsWith("made 4\n"));
  EXPECT_THAT(ask("/metrics", 1000),
              HasSubstr("\r\nContent-Type: text/x\r\nContent-Length: 7\r\n"));
  for (const char* const other : {"/", "/metric", "/metrics/", "/Metrics",
                                  "/?/metrics", "http://metrics", "//h"}) {
    EXPECT_THAT(ask(other, 1000), EndsWith(kHello)) << other;
  }
  EXPECT_EQ(made, 5);
}

// The one behind it on the same connection is no page; nor is what is refused.
TEST(HttpExchange, APageIsOfOneRequest) {
  const Pages pages = {{"/metrics", "text/x", [] { return "page"; }}};
  HttpExchange http(&pages);
  const std::string metrics = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
  const Talk talk = Feed(http, metrics + std::string(kGet), 1000);
  EXPECT_THAT(talk.output, HasSubstr("\r\n\r\npageHTTP/1.1 200 OK"));
  EXPECT_THAT(talk.output, EndsWith(kHello));
  HttpExchange other(&pages);
  EXPECT_THAT(
      Feed(other, "PUT /metrics HTTP/1.1\r\nHost: h\r\n\r\n", 1000).output,
      AllOf(HasSubstr("405"), Not(HasSubstr("page"))));
}

const std::string kLongField =
    "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(9000, 'x') + "\r\n\r\n";
const std::string kManyFields = [] {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 900; ++i) text += "A: 0123456789\r\n";
  return text + "\r\n";
}();
const std::string kLongLine =
    "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kLongChunkLine =
    "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
    std::string(9000, 'x');

class Statuses : public ::testing::TestWithParam<Case> {};

TEST_P(Statuses, WholeAndByteByByte) { ExpectStatus(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Http, Statuses,
    ::testing::Values(
        Case{"Get", kGet, "200 ", false},
        Case{"AnyTarget", "GET /a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n", "200 ",
             false},
        Case{"EmptyLinesBefore", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
             "200 ", false},
        Case{"Close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
             "200 ", true},
        Case{"Http10", "GET / HTTP/1.0\r\n\r\n", "200 ", true},
        Case{"GetWithBody",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde",
             "200 ", false},
        Case{"Post",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde",
             "405 ", false},
        Case{"Chunked",
             "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n0\r\nHost: trailer\r\n\r\n",
             "405 ", false},
        Case{"UnknownMethod", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "501 ",
             false},
        Case{"Options", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "405 ", false},
        Case{"NoHost", "GET / HTTP/1.1\r\n\r\n", "400 ", true},
        Case{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 ",
             true},
        Case{"BadField", "GET / HTTP/1.1\r\nHo st: h\r\n\r\n", "400 ", true},
        Case{"BadLength",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "400 ",
             true},
        Case{"TwoLengths",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
             "Content-Length: 2\r\n\r\n",
             "400 ", true},
        Case{"LengthAndChunked",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
             "Transfer-Encoding: chunked\r\n\r\n",
             "400 ", true},
        Case{"BadChunk",
             "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "zz\r\n\r\n",
             "400 ", true},
        Case{"Tls", "\x16\x03\x01\x02", "400 ", true},
        Case{"Words", "hello, world\r\n\r\n", "400 ", true},
        Case{"NoVersion", "GET /\r\n\r\n", "400 ", true},
        Case{"BadVersion", "GET / HTTP/x.1\r\nHost: h\r\n\r\n", "400 ", true},
        Case{"Version2", "PRI * HTTP/2.0\r\n\r\n", "505 ", true},
        Case{"LargeBody",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n",
             "413 ", true},
        Case{"LargeChunk",
             "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "100001\r\n",
             "413 ", true},
        Case{"LongLine", kLongLine, "414 ", true},
        Case{"LongField", kLongField, "431 ", true},
        Case{"ManyFields", kManyFields, "431 ", true},
        Case{"LongChunkLine", kLongChunkLine, "431 ", true},
        Case{"Expectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\n\r\n",
             "417 ", true},
        Case{"Coding",
             "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
             "501 ", true}),
    [](const auto& c) { return std::string(c.param.name); });

TEST(HttpExchange, MethodNotAllowedNamesTheAllowedOnes) {
  const Talk talk = Ask("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(talk.output, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
}

TEST(HttpExchange, KeepAliveIsSaidToHttp10) {
  const Talk talk = Ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(talk.output, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(talk.closed);
}

TEST(HttpExchange, ContinueIsSaidOnceWhenTheBodyIsAwaited) {
  HttpExchange http;
  const Talk first = Feed(http,
                          "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                          "Expect: 100-continue\r\n\r\n",
                          100);
  EXPECT_EQ(first.output, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(http.mid_request());
  const Talk second = Feed(http, "ab", 1);
  EXPECT_THAT(second.output, StartsWith("HTTP/1.1 200 "));
  EXPECT_FALSE(http.mid_request());
}

TEST(HttpExchange, ABodyThatIsNotWantedIsNotAskedFor) {
  const Talk talk =
      Ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
          "Expect: 100-continue\r\n\r\n");
  EXPECT_THAT(talk.output, StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(talk.closed);
}

TEST(HttpExchange, PipelinedRequestsAreAnsweredInOrderInOneOutput) {
  std::string input;
  for (int i = 0; i < 20; ++i) {
    input += kGet;
    input += "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
    input += "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
  }
  HttpExchange http;
  const std::span<char> room = http.Room();
  std::copy(input.begin(), input.end(), room.data());
  http.Received(input.size());
  EXPECT_EQ(http.Advance(false), Next::kRead);
  const std::string output(http.output());
  EXPECT_EQ(CountAnswers(output), 60);
  EXPECT_EQ(http.requests(), 60u);
  for (const std::size_t piece : {1, 5, 64}) {
    EXPECT_EQ(Undated(Ask(input, piece).output), Undated(output)) << piece;
  }
}

TEST(HttpExchange, OutputIsWrittenBeforeItGrowsWithoutBound) {
  std::string input;
  for (int i = 0; i < 5000; ++i) input += kGet;
  EXPECT_EQ(CountAnswers(Ask(input).output), 5000);
}

TEST(HttpExchange, ALongBodyIsReadThroughASmallBuffer) {
  const std::string body(1 << 20, 'b');
  const std::string request =
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n" + body;
  const Talk talk = Ask(request + std::string(kGet));
  EXPECT_EQ(CountAnswers(talk.output), 2);
}

TEST(HttpExchange, TheLastAnswerBeforeAStopSaysSo) {
  HttpExchange http;
  const std::string two = std::string(kGet) + std::string(kGet);
  const Talk talk = Feed(http, two, 1 << 20, /*last=*/true);
  EXPECT_EQ(CountAnswers(talk.output), 2);
  EXPECT_TRUE(talk.closed);
  EXPECT_THAT(talk.output, EndsWith("Connection: close" + std::string(kHello)));
}

TEST(HttpExchange, ARequestIsOpenFromItsFirstByteToItsLast) {
  HttpExchange http;
  EXPECT_FALSE(http.mid_request());
  Feed(http, "\r\n", 1);
  EXPECT_FALSE(http.mid_request());
  Feed(http, kGet.substr(0, kGet.size() - 1), 1);
  EXPECT_TRUE(http.mid_request());
  Feed(http, "\n", 1);
  EXPECT_FALSE(http.mid_request());
}

// Whatever comes, the exchange ends or asks for more, and its buffers keep
// their bounds (Feed checks them; the sanitizers the rest).
TEST(HttpExchange, GarbageIsRefusedAndNothingElse) {
  std::mt19937 random(1);
  const std::vector<std::string> seeds = {
      std::string(kGet), kLongField.substr(0, 200),
      kLongChunkLine.substr(0, 90),
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nA: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde"};
  for (int round = 0; round < 20'000; ++round) {
    std::string input = seeds[random() % seeds.size()];
    input += seeds[random() % seeds.size()];
    for (unsigned edits = random() % 6; edits > 0; --edits) {
      const std::size_t at = random() % input.size();
      switch (random() % 3) {
        case 0:
          input[at] = static_cast<char>(random());
          break;
        case 1:
          input.erase(at, random() % 8);
          break;
        default:
          input.insert(at, 1, "\r\n:0 \0;,"[random() % 8]);
      }
      if (input.empty()) break;
    }
    const std::size_t piece = 1 + random() % 50;
    const Talk talk = Ask(input, piece);
    if (!talk.output.empty()) {
      EXPECT_THAT(talk.output, StartsWith("HTTP/1.1 "));
    }
  }
}

}  // namespace
}  // namespace netpoll::server
