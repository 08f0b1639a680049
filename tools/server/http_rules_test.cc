// SPDX-License-Identifier: Apache-2.0
//
// RFC 9110 and RFC 9112, rule by rule: what a request must look like, where its
// body ends, and what may follow it.

#include <string>
#include <string_view>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/server/http_exchange.h"
#include "netpoll/tools/server/http_talk.h"

namespace netpoll::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::Values;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// One answer only, and the connection open or closed: else something that was
// sent was taken for another request.
void ExpectOne(std::string_view request, std::string_view status, bool closed) {
  ExpectStatus(Case{"", request, status, closed});
  const std::string output = Ask(request).output;
  EXPECT_EQ(output.find("HTTP/1.1 ", 1), std::string::npos) << request;
}

// Both are answered, and the connection kept.
void ExpectTwo(const std::string& requests) {
  const Talk talk = Ask(requests);
  EXPECT_FALSE(talk.closed) << requests;
  EXPECT_EQ(CountAnswers(talk.output), 2) << requests;
}

// --- The request line --------------------------------------------------------

struct Line {
  std::string_view line;
  std::string_view status;
};

class Lines : public ::testing::TestWithParam<Line> {};

TEST_P(Lines, AreJudged) {
  const auto& [line, status] = GetParam();
  const bool closed = status == "400 " || status == "505 ";
  ExpectOne(std::string(line) + "\r\nHost: h\r\n\r\n", status, closed);
}

INSTANTIATE_TEST_SUITE_P(
    Targets, Lines,
    Values(
        Line{"GET /a;b=1/%7Ec/@:!$&'()*+,= HTTP/1.1", "200 "},
        Line{"GET //a//b HTTP/1.1", "200 "},
        Line{"GET /?a=b/c?d&%20 HTTP/1.1", "200 "},
        Line{"GET http://h HTTP/1.1", "200 "},
        Line{"GET http://other/x?y HTTP/1.1", "200 "},
        Line{"GET HTTPS://h:443?y HTTP/1.1", "200 "},
        Line{"GET http://[::1]:8080/ HTTP/1.1", "200 "},
        Line{"OPTIONS * HTTP/1.1", "405 "},
        Line{"CONNECT h:80 HTTP/1.1", "405 "},
        Line{"CONNECT [::1]:80 HTTP/1.1", "405 "},
        Line{"GET a HTTP/1.1", "400 "}, Line{"GET * HTTP/1.1", "400 "},
        Line{"OPTIONS ** HTTP/1.1", "400 "}, Line{"GET h:80 HTTP/1.1", "400 "},
        Line{"GET ?a HTTP/1.1", "400 "}, Line{"CONNECT / HTTP/1.1", "400 "},
        Line{"CONNECT h HTTP/1.1", "400 "}, Line{"CONNECT h: HTTP/1.1", "400 "},
        Line{"CONNECT :80 HTTP/1.1", "400 "},
        Line{"CONNECT http://h:80/ HTTP/1.1", "400 "},
        Line{"GET /#x HTTP/1.1", "400 "}, Line{"GET #x HTTP/1.1", "400 "},
        Line{"GET /?#x HTTP/1.1", "400 "},
        Line{"GET http://h/#x HTTP/1.1", "400 "},
        Line{"GET /% HTTP/1.1", "400 "}, Line{"GET /%4 HTTP/1.1", "400 "},
        Line{"GET /%4g HTTP/1.1", "400 "}, Line{"GET /%g4 HTTP/1.1", "400 "},
        Line{"GET /?%zz HTTP/1.1", "400 "}, Line{"GET /a\"b HTTP/1.1", "400 "},
        Line{"GET /a|b HTTP/1.1", "400 "}, Line{"GET /?a[b] HTTP/1.1", "400 "},
        Line{"GET /\xc3\xa9 HTTP/1.1", "400 "},
        Line{"GET /\x7f HTTP/1.1", "400 "}, Line{"GET /a b HTTP/1.1", "400 "},
        Line{"GET http:///x HTTP/1.1", "400 "},
        Line{"GET http://:80/ HTTP/1.1", "400 "},
        Line{"GET http://u@h/ HTTP/1.1", "400 "},
        Line{"GET http://h:x/ HTTP/1.1", "400 "},
        Line{"GET http:/h HTTP/1.1", "400 "},
        Line{"GET ftp://h/ HTTP/1.1", "400 "}));

INSTANTIATE_TEST_SUITE_P(
    Versions, Lines,
    Values(Line{"GET / HTTP/1.2", "200 "}, Line{"GET / HTTP/1.9", "200 "},
           Line{"GET / HTTP/2.0", "505 "}, Line{"PRI * HTTP/2.0", "505 "},
           Line{"GET / HTTP/3.0", "505 "}, Line{"GET / HTTP/0.9", "505 "},
           Line{"GET / HTTP/11", "400 "}, Line{"GET / HTTP/1.", "400 "},
           Line{"GET / HTTP/1.10", "400 "}, Line{"GET / HTTP/1,1", "400 "},
           Line{"GET / http/1.1", "400 "}, Line{"GET / HTTPS/1.1", "400 "},
           Line{"GET / HTTP/1.1 ", "400 "}, Line{"GET / ", "400 "},
           Line{"GET /", "400 "}));

INSTANTIATE_TEST_SUITE_P(
    Methods, Lines,
    Values(Line{"get / HTTP/1.1", "501 "}, Line{"X-!#$ / HTTP/1.1", "501 "},
           Line{"ALONGMETHODTHATNOBODYHASEVERHEARDOF / HTTP/1.1", "501 "},
           Line{"TRACE / HTTP/1.1", "405 "}, Line{"PATCH / HTTP/1.1", "405 "},
           Line{"G(T / HTTP/1.1", "400 "}, Line{" GET / HTTP/1.1", "400 "},
           Line{"GET  / HTTP/1.1", "400 "}, Line{"GET /  HTTP/1.1", "400 "},
           Line{"GET\t/ HTTP/1.1", "400 "}, Line{"GET /\tHTTP/1.1", "400 "},
           Line{"GET / HTTP/1.1\r", "400 "}, Line{"GET /\rHTTP/1.1", "400 "},
           Line{"GET / HTTP/1.1\nX: y", "400 "}));

TEST(HttpRules, ALaterMinorVersionIsKeptAlive) {
  const Talk talk =
      Ask("GET / HTTP/1.2\r\nHost: h\r\n\r\n" + std::string(kGet));
  EXPECT_FALSE(talk.closed);
  EXPECT_THAT(talk.output, Not(HasSubstr("Connection:")));
  EXPECT_EQ(CountAnswers(talk.output), 2);
  EXPECT_THAT(Ask("GET / HTTP/1.2\r\n\r\n").output, StartsWith("HTTP/1.1 400"));
}

TEST(HttpRules, EmptyLinesBeforeARequestAreFew) {
  std::string lines;
  for (int i = 0; i < HttpExchange::kEmptyLines; ++i) lines += "\r\n";
  ExpectOne(lines + std::string(kGet), "200 ", false);
  ExpectOne("\r\n" + lines + std::string(kGet), "400 ", true);
  ExpectOne("\n" + std::string(kGet), "400 ", true);
  ExpectOne("\r" + std::string(kGet), "400 ", true);
  // Of each request anew.
  const std::string each = lines + std::string(kGet);
  ExpectTwo(each + each);
}

TEST(HttpRules, ARefusedHeadHasNoBody) {
  for (const std::string_view request :
       {"HEAD /#x HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/2.0\r\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\n\r\n"}) {
    EXPECT_THAT(Ask(request).output, EndsWith("\r\n\r\n")) << request;
  }
}

// --- Fields ------------------------------------------------------------------

struct Field {
  std::string_view version;
  std::string_view fields;
  std::string_view status;
};

class Fields : public ::testing::TestWithParam<Field> {};

TEST_P(Fields, AreJudged) {
  const auto& [version, fields, status] = GetParam();
  const std::string request = "GET / HTTP/" + std::string(version) + "\r\n" +
                              std::string(fields) + "\r\n";
  const bool closed = status != "200 " || version == "1.0";
  ExpectOne(request, status, closed);
}

INSTANTIATE_TEST_SUITE_P(
    Host, Fields,
    Values(Field{"1.1", "Host: h:80\r\n", "200 "},
           Field{"1.1", "Host:\r\n", "200 "},
           Field{"1.1", "Host: a-b_c.d~%20!$&'()*+,;=\r\n", "200 "},
           Field{"1.1", "Host: 127.0.0.1:\r\n", "200 "},
           Field{"1.1", "Host: [::1]:80\r\n", "200 "},
           Field{"1.1", "Host: [::ffff:1.2.3.4]\r\n", "200 "},
           Field{"1.1", "Host: [v1.a:b]\r\n", "200 "},
           Field{"1.0", "Host: h\r\n", "200 "}, Field{"1.0", "", "200 "},
           Field{"1.1", "", "400 "}, Field{"1.1", "Host: a b\r\n", "400 "},
           Field{"1.0", "Host: a b\r\n", "400 "},
           Field{"1.1", "Host: h\r\nHost: h\r\n", "400 "},
           Field{"1.0", "Host: h\r\nHost: h\r\n", "400 "},
           Field{"1.0", "Host: h\r\nHost:\r\n", "400 "},
           Field{"1.1", "Host: h/\r\n", "400 "},
           Field{"1.1", "Host: u@h\r\n", "400 "},
           Field{"1.1", "Host: h:x\r\n", "400 "},
           Field{"1.1", "Host: h:80:80\r\n", "400 "},
           Field{"1.1", "Host: http://h\r\n", "400 "},
           Field{"1.1", "Host: %g0\r\n", "400 "},
           Field{"1.1", "Host: ::1\r\n", "400 "},
           Field{"1.1", "Host: [::1\r\n", "400 "},
           Field{"1.1", "Host: [::1]80\r\n", "400 "},
           Field{"1.1", "Host: [h]\r\n", "400 "},
           Field{"1.1", "Host: [v.x]\r\n", "400 "},
           Field{"1.1", "Host: h\xc3\xa9\r\n", "400 "}));

INSTANTIATE_TEST_SUITE_P(
    Length, Fields,
    Values(Field{"1.1", "Host: h\r\nContent-Length: 0\r\n", "200 "},
           Field{"1.1", "Host: h\r\nContent-Length: 00\r\n", "200 "},
           Field{"1.1", "Host: h\r\nContent-Length: 0, 0\r\n", "200 "},
           Field{"1.1", "Host: h\r\nContent-Length: +0\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: -0\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 0 0\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 0,1\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length:\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 0x0\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 0;x\r\n", "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 18446744073709551616\r\n",
                 "400 "},
           Field{"1.1", "Host: h\r\nContent-Length: 18446744073709551615\r\n",
                 "413 "}));

INSTANTIATE_TEST_SUITE_P(
    Syntax, Fields,
    Values(Field{"1.1", "Host: h\r\n: x\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA : b\r\n", "400 "},
           Field{"1.1", "Host: h\r\n A: b\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA: b\r\n c\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA:\r\n\tc\r\n", "400 "},
           Field{"1.1", " Host: h\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA: b\nC: d\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA: b\rC: d\r\n", "400 "},
           Field{"1.1", "Host: h\r\nA: b\x01\r\n", "400 "},
           Field{"1.1", std::string_view("Host: h\r\nA: b\0c\r\n", 17), "400 "},
           Field{"1.1", "Host: h\r\nA: \xff\tb\r\n", "200 "},
           Field{"1.1", "Host: h\r\nA:\r\n", "200 "}));

INSTANTIATE_TEST_SUITE_P(
    Expect, Fields,
    Values(Field{"1.1", "Host: h\r\nExpect: 100-Continue\r\n", "200 "},
           Field{"1.1", "Host: h\r\nExpect: 100-continue, x\r\n", "417 "},
           Field{"1.1", "Host: h\r\nExpect: x\r\n", "417 "},
           Field{"1.0", "Expect: 100-continue\r\n", "200 "}));

// --- Transfer codings and trailers -------------------------------------------

constexpr std::string_view kChunks = "3\r\nabc\r\n0\r\n\r\n";

void ExpectCoding(std::string_view fields, std::string_view status,
                  std::string_view version = "1.1") {
  const std::string request = "GET / HTTP/" + std::string(version) +
                              "\r\nHost: h\r\n" + std::string(fields) + "\r\n" +
                              std::string(kChunks);
  ExpectOne(request, status, status != "200 ");
}

TEST(HttpRules, ChunkedAloneIsKnown) {
  ExpectCoding("Transfer-Encoding: chunked\r\n", "200 ");
  ExpectCoding("transfer-encoding:  CHUNKED \r\n", "200 ");
  ExpectCoding("Transfer-Encoding: , chunked\r\n", "200 ");
}

TEST(HttpRules, OtherCodingsAndParametersAreNotImplemented) {
  for (const std::string_view coding :
       {"gzip", "gzip, chunked", "gzip,chunked", "identity", "xchunked",
        "chunked;x=1", "chunked ; x = \"1,2\"", "gzip;q=1, chunked",
        "a;b=\"c\\\",chunked\", chunked"}) {
    ExpectCoding("Transfer-Encoding: " + std::string(coding) + "\r\n", "501 ");
  }
  ExpectCoding("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
               "501 ");
}

TEST(HttpRules, AListOfCodingsThatLeavesTheEndOpenIsRefused) {
  for (const std::string_view coding :
       {"", ",", "chunked, gzip", "chunked, chunked", "chunked;x=1, chunked",
        "chunked, identity", "gzip, chunked, gzip", "chunked chunked",
        "\"chunked\"", "chunked;", "chunked;x", "chunked;=1",
        "chunked;x=", "chunked;x=\"1", "chunked@", "chunked, @", "=chunked"}) {
    ExpectCoding("Transfer-Encoding: " + std::string(coding) + "\r\n", "400 ");
  }
  ExpectCoding("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
               "400 ");
  ExpectCoding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
               "400 ");
  ExpectCoding("Transfer-Encoding:\r\n chunked\r\n", "400 ");
  ExpectCoding("Transfer-Encoding: \vchunked\r\n", "400 ");
}

TEST(HttpRules, ALengthAndACodingContradictEachOther) {
  ExpectCoding("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "400 ");
  ExpectCoding("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "400 ");
  ExpectCoding("Content-Length: 0\r\nTransfer-Encoding: gzip\r\n", "400 ");
}

TEST(HttpRules, ACodingInHttp10IsRefused) {
  ExpectCoding("Transfer-Encoding: chunked\r\n", "400 ", "1.0");
  ExpectCoding("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
               "400 ", "1.0");
  ExpectCoding("Transfer-Encoding: gzip\r\n", "400 ", "1.0");
  ExpectCoding("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "400 ",
               "1.0");
}

std::string Chunked(std::string_view chunks) {
  return "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string(chunks);
}

TEST(HttpRules, ChunksAreReadWhole) {
  for (const std::string_view chunks :
       {"0\r\n\r\n", "000\r\n\r\n", "0;a=b\r\n\r\n", "0 ;a\r\n\r\n",
        "1;a=\"b\"\r\nx\r\n0\r\n\r\n", "00A\r\n0123456789\r\n0\r\n\r\n",
        "0\r\nA: b\r\n\r\n"}) {
    ExpectOne(Chunked(chunks), "200 ", false);
    ExpectTwo(Chunked(chunks) + std::string(kGet));
  }
}

TEST(HttpRules, BadChunksAreRefused) {
  for (const std::string_view chunks :
       {"\r\n", "-1\r\n", "+1\r\nx\r\n", "0x1\r\nx\r\n", " 1\r\nx\r\n",
        "1\r\nxy\r\n0\r\n\r\n", "1\r\nx0\r\n\r\n", "1\nx\r\n",
        "10000000000000000\r\n", "1;\r\nx\r\n", "0\r\n A: b\r\n\r\n",
        "0\r\nA\r\n\r\n", "0\r\n: b\r\n\r\n", "0\r\nA : b\r\n\r\n",
        "0\r\nA: b\r\n c\r\n\r\n", "0\r\nA: \x01\r\n\r\n"}) {
    ExpectOne(Chunked(chunks), "400 ", true);
  }
}

TEST(HttpRules, TrailersActOnNothing) {
  for (const std::string_view trailer :
       {"Connection: close", "Connection: a b", "Content-Length: 5",
        "Content-Length: x", "Host: a b", "Transfer-Encoding: gzip",
        "Expect: cake", "Proxy-Connection: close", "Upgrade: x"}) {
    const std::string request =
        Chunked("1\r\nx\r\n0\r\n" + std::string(trailer) + "\r\n\r\n");
    ExpectOne(request, "200 ", false);
    ExpectTwo(request + std::string(kGet));
  }
}

TEST(HttpRules, ExtensionsOfChunksHaveALimit) {
  std::string chunks;
  for (int i = 0; i < 20; ++i) {
    chunks += "1;" + std::string(1000, 'x') + "\r\ny\r\n";
  }
  ExpectOne(Chunked(chunks), "431 ", true);
}

// --- Connections -------------------------------------------------------------

TEST(HttpRules, ConnectionOptions) {
  using Row = std::tuple<std::string_view, std::string_view, bool>;
  for (const auto& [version, option, closed] :
       {Row{"1.1", "close", true}, Row{"1.1", "CLOSE", true},
        Row{"1.1", "keep-alive, close", true}, Row{"1.1", "x , close", true},
        Row{"1.1", "keep-alive", false}, Row{"1.1", "closed", false},
        Row{"1.1", "x", false}, Row{"1.0", "Keep-Alive", false},
        Row{"1.0", "keep-alive, close", true}, Row{"1.0", "x", true}}) {
    const std::string request =
        "GET / HTTP/" + std::string(version) +
        "\r\nHost: h\r\nConnection: " + std::string(option) + "\r\n\r\n";
    const Talk talk = Ask(request + std::string(kGet));
    EXPECT_EQ(talk.closed, closed) << request;
    // Nothing is answered after a close.
    EXPECT_EQ(CountAnswers(talk.output), closed ? 1 : 2) << request;
  }
  // It is no connection field of ours.
  EXPECT_FALSE(
      Ask("GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: close\r\n\r\n")
          .closed);
}

TEST(HttpRules, NothingIsAnsweredAfterARefusal) {
  for (const std::string_view bad :
       {"GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
    const Talk talk =
        Ask(std::string(kGet) + std::string(bad) + std::string(kGet));
    EXPECT_EQ(CountAnswers(talk.output), 2) << bad;
    EXPECT_TRUE(talk.closed);
  }
}

TEST(HttpRules, AnUnknownMethodsBodyIsReadBeforeTheNextRequest) {
  const Talk talk =
      Ask("BREW / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET " +
          std::string(kGet));
  EXPECT_THAT(talk.output, StartsWith("HTTP/1.1 501 "));
  EXPECT_EQ(CountAnswers(talk.output), 2);
  EXPECT_FALSE(talk.closed);
}

}  // namespace
}  // namespace netpoll::server
