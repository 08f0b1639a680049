// SPDX-License-Identifier: Apache-2.0
//
// For tests: talks to an HttpExchange as a session would.

#ifndef NETPOLL_TOOLS_SERVER_HTTP_TALK_H_
#define NETPOLL_TOOLS_SERVER_HTTP_TALK_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/server/http_exchange.h"

namespace netpoll::server {

struct Talk {
  std::string output;
  bool closed = false;
};

// Feeds `input` in pieces of `piece` bytes, as a session would, until the
// connection closes.
inline Talk Feed(HttpExchange& http, std::string_view input, std::size_t piece,
                 bool last = false) {
  Talk talk;
  for (;;) {
    const HttpExchange::Next next = http.Advance(last);
    EXPECT_LE(http.output().size(), HttpExchange::kOutput + 1024);
    talk.output += http.output();
    http.ClearOutput();
    if (next == HttpExchange::Next::kWrite) continue;
    if (next != HttpExchange::Next::kRead) {
      talk.closed = true;
      return talk;
    }
    if (input.empty()) return talk;
    const std::span<char> room = http.Room();
    EXPECT_FALSE(room.empty());
    const std::size_t size = std::min({piece, room.size(), input.size()});
    std::copy_n(input.data(), size, room.data());
    http.Received(size);
    input.remove_prefix(size);
  }
}

inline Talk Ask(std::string_view input, std::size_t piece = 1 << 20) {
  HttpExchange http;
  return Feed(http, input, piece);
}

// Without the Date line, which may change from one answer to the next.
inline std::string Undated(std::string text) {
  for (std::size_t at; (at = text.find("Date: ")) != std::string::npos;) {
    text.erase(at, text.find("\r\n", at) + 2 - at);
  }
  return text;
}

inline int CountAnswers(const std::string& output) {
  int count = 0;
  for (std::size_t at = 0;
       (at = output.find("HTTP/1.1 ", at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

struct Case {
  std::string_view name;
  std::string_view request;
  std::string_view status;
  bool closed;
};

// The answer is the same however the request is cut into pieces.
inline void ExpectStatus(const Case& c) {
  SCOPED_TRACE(std::string(c.request));
  const Talk whole = Ask(c.request);
  EXPECT_THAT(whole.output,
              ::testing::StartsWith("HTTP/1.1 " + std::string(c.status)));
  EXPECT_EQ(whole.closed, c.closed);
  EXPECT_EQ(whole.output.find("Connection: close") != std::string::npos,
            c.closed);
  for (const std::size_t piece : {1, 2, 3, 7}) {
    const Talk slow = Ask(c.request, piece);
    EXPECT_EQ(Undated(slow.output), Undated(whole.output)) << piece;
    EXPECT_EQ(slow.closed, c.closed) << piece;
  }
}

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_HTTP_TALK_H_
