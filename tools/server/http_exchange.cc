// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/http_exchange.h"

#include <time.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpoll::server {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

// Keeps of a request only what the answer depends on.
class HttpExchange::Parser : public http::basic_parser<true> {
 public:
  Parser() {
    header_limit(kInput);
    body_limit(kBody);
    eager(false);  // Stops behind the header.
  }

  bool has_line = false;  // The request line is complete.
  http::verb method = http::verb::unknown;
  int version = 11;
  bool expects_continue = false;
  bool expects_else = false;
  bool has_coding = false;
  int hosts = 0;

  // The status to answer with, once the header is complete.
  int Status() const {
    if (version >= 11 && hosts != 1) return 400;
    if (has_coding && !chunked()) return 501;
    if (expects_else) return 417;
    if (method != http::verb::get && method != http::verb::head) return 405;
    return 200;
  }

 private:
  void on_request_impl(http::verb verb, string_view, string_view, int number,
                       error_code&) override {
    has_line = true;
    method = verb;
    version = number;
  }
  void on_field_impl(http::field name, string_view, string_view value,
                     error_code&) override {
    if (is_header_done()) return;  // A trailer.
    if (name == http::field::host) ++hosts;
    if (name == http::field::transfer_encoding) has_coding = true;
    if (name == http::field::expect && version >= 11) {
      const absl::string_view text(value.data(), value.size());
      (absl::EqualsIgnoreCase(text, "100-continue") ? expects_continue
                                                    : expects_else) = true;
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body,
                                 error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
  // Of responses only.
  void on_response_impl(int, string_view, int, error_code&) override {}
};

struct HttpExchange::Answer {
  int status = 200;
  bool head = false;        // No body, but its length.
  bool close = false;       // Say that the connection closes.
  bool keep_alive = false;  // Say that it does not: HTTP/1.0.
};

namespace {

constexpr std::string_view kHello = "Hello from netpoll.\n";

// One text a second, for each thread.
const std::string& Date() {
  thread_local time_t made = -1;
  thread_local std::string text;
  const time_t now = ::time(nullptr);
  if (now != made) {
    tm parts{};
    char buffer[64];
    ::gmtime_r(&now, &parts);
    ::strftime(buffer, sizeof(buffer), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text = buffer;
    made = now;
  }
  return text;
}

bool IsTokenChar(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
}

// Whether this may become a request: a method first. The parser itself waits
// for the end of the header before it looks.
bool MayBeRequest(std::string_view text) {
  constexpr std::size_t kLongestMethod = 32;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') return i > 0;
    if (i == kLongestMethod || !IsTokenChar(text[i])) return false;
  }
  return true;
}

// Whether the first line ends in a version, if not in one that is spoken here.
bool NamesVersion(std::string_view text) {
  constexpr std::string_view kForm = " HTTP/0.0";
  const std::string_view line = text.substr(0, text.find("\r\n"));
  if (line.size() < kForm.size()) return false;
  const std::string_view end = line.substr(line.size() - kForm.size());
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '0' ? end[i] < '0' || end[i] > '9' : end[i] != kForm[i]) {
      return false;
    }
  }
  return true;
}

int StatusOf(const error_code& error, bool has_line, std::string_view input) {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit) {
    return has_line || input.find('\n') != std::string_view::npos ? 431 : 414;
  }
  if (error == http::error::bad_version && NamesVersion(input)) return 505;
  return 400;
}

absl::string_view Reason(int status) {
  const string_view text =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {text.data(), text.size()};
}

}  // namespace

HttpExchange::HttpExchange() {
  static_assert(sizeof(Parser) <= kParserSize);
  static_assert(alignof(Parser) <= 16);
  new (parser_.data()) Parser;
}

HttpExchange::~HttpExchange() { std::destroy_at(&parser()); }

HttpExchange::Parser& HttpExchange::parser() {
  return *std::launder(reinterpret_cast<Parser*>(parser_.data()));
}

void HttpExchange::BeginRequest() {
  std::destroy_at(&parser());
  new (parser_.data()) Parser;
  begun_ = false;
  continued_ = false;
  header_ = 0;
}

std::span<char> HttpExchange::Room() {
  if (begin_ > 0) {
    std::copy(input_.data() + begin_, input_.data() + end_, input_.data());
    end_ -= begin_;
    begin_ = 0;
  }
  return {input_.data() + end_, input_.size() - end_};
}

HttpExchange::Next HttpExchange::Advance(bool last) {
  Next next = Next::kRead;
  while (output_.size() < kOutput) {
    if (!Step(last, &next)) return next;
  }
  return Next::kWrite;
}

// Goes on with the request in the input. True: it was answered, and the next
// may be there. False: `next` says what is to be done first.
bool HttpExchange::Step(bool last, Next* next) {
  if (!begun_) {
    // Empty lines before a request are passed over.
    while (begin_ < end_ &&
           (input_[begin_] == '\r' || input_[begin_] == '\n')) {
      ++begin_;
    }
  }
  if (begin_ == end_) {
    *next = Next::kRead;
    return false;
  }
  begun_ = true;
  if (const int status = Parse(); status != 0) {
    *next = Refuse(status);
    return false;
  }
  Parser& request = parser();
  if (!request.is_done()) return Stuck(next);

  const int status = request.Status();
  if (status != 200 && status != 405) {
    *next = Refuse(status);
    return false;
  }
  const bool keep = request.keep_alive() && !(last && begin_ == end_);
  Respond({.status = status,
           .head = request.method == http::verb::head,
           .close = !keep,
           .keep_alive = keep && request.version < 11});
  ++requests_;
  BeginRequest();
  if (keep) return true;
  *next = begin_ == end_ ? Next::kClose : Next::kLinger;
  return false;
}

// Takes what it can from the input. The status of an error, or 0.
int HttpExchange::Parse() {
  Parser& request = parser();
  while (begin_ < end_ && !request.is_done()) {
    const bool in_header = !request.is_header_done();
    error_code error;
    const boost::asio::const_buffer rest(input().data(), input().size());
    const std::size_t used = request.put(rest, error);
    begin_ += used;
    if (in_header) header_ += used;
    if (error == http::error::need_more) break;
    if (error) return StatusOf(error, request.has_line, input());
  }
  // The parser limits the request line, and each piece of a header.
  const std::size_t unused = request.is_header_done() ? 0 : end_ - begin_;
  return header_ + unused > kInput ? 431 : 0;
}

// The request is not complete. Always false.
bool HttpExchange::Stuck(Next* next) {
  Parser& request = parser();
  *next = Next::kRead;
  if (!request.is_header_done()) {
    if (!request.has_line && !MayBeRequest(input())) *next = Refuse(400);
  } else if (!continued_) {
    continued_ = true;
    const int status = request.Status();
    if (status != 200 && (status != 405 || request.expects_continue)) {
      *next = Refuse(status);
    } else if (request.expects_continue && begin_ == end_) {
      output_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }
  // A chunk's header or a trailer that does not end.
  if (*next == Next::kRead && end_ - begin_ == input_.size()) {
    *next = Refuse(431);
  }
  return false;
}

HttpExchange::Next HttpExchange::Refuse(int status) {
  Respond({.status = status,
           .head = parser().method == http::verb::head,
           .close = true});
  ++errors_;
  begin_ = end_ = 0;
  BeginRequest();
  return Next::kLinger;
}

void HttpExchange::Respond(const Answer& answer) {
  const std::string body =
      answer.status == 200
          ? std::string(kHello)
          : absl::StrCat(answer.status, " ", Reason(answer.status), "\n");
  absl::StrAppend(
      &output_, "HTTP/1.1 ", answer.status, " ", Reason(answer.status),
      "\r\nServer: netpoll\r\nDate: ", Date(),
      "\r\nContent-Type: text/plain\r\nContent-Length: ", body.size(), "\r\n");
  if (answer.status == 405) output_ += "Allow: GET, HEAD\r\n";
  if (answer.close) output_ += "Connection: close\r\n";
  if (answer.keep_alive) output_ += "Connection: keep-alive\r\n";
  output_ += "\r\n";
  if (!answer.head) output_ += body;
}

}  // namespace netpoll::server
