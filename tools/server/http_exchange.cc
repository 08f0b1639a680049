// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/http_exchange.h"

#include <time.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpoll/tools/server/http_parser.h"
#include "netpoll/tools/server/http_syntax.h"

namespace netpoll::server {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

struct HttpExchange::Answer {
  int status = 200;
  bool head = false;        // No body, but its length.
  bool close = false;       // Say that the connection closes.
  bool keep_alive = false;  // Say that it does not: HTTP/1.0.
};

namespace {

constexpr std::string_view kHello = "Hello from netpoll.\n";

// One text a second, for each thread. No string: that would have a destructor,
// and where there is no memory to register one the C library ends the process.
absl::string_view Date() {
  thread_local time_t made = -1;
  thread_local char text[32];
  const time_t now = ::time(nullptr);
  if (now != made) {
    tm parts{};
    ::gmtime_r(&now, &parts);
    ::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return text;
}

// Whether this may become a request line: a method first.
bool MayBeRequest(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsTokenChar);
  return end == text.end() || (*end == ' ' && end != text.begin());
}

// Whether a line of this header goes on on the next (RFC 9112, 5.2: refuse).
// `text` begins with a line.
bool IsFolded(std::string_view text) {
  while (!text.empty() && text[0] != '\r') {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
    if (text.starts_with(' ') || text.starts_with('\t')) return true;
  }
  return false;
}

constexpr std::string_view kBehindChunkSize = "\r; \t";

std::size_t CountHexDigits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789abcdefABCDEF"),
                  text.size());
}

int StatusOf(const error_code& error) {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit) return 431;
  return 400;
}

absl::string_view Reason(int status) {
  const string_view text =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {text.data(), text.size()};
}

}  // namespace

HttpExchange::HttpExchange(const Pages* pages) : pages_(pages) {
  static_assert(sizeof(HttpParser) <= kParserSize);
  static_assert(alignof(HttpParser) <= 16);
  new (parser_.data()) HttpParser;
}

HttpExchange::~HttpExchange() { std::destroy_at(&parser()); }

HttpParser& HttpExchange::parser() {
  return *std::launder(reinterpret_cast<HttpParser*>(parser_.data()));
}

void HttpExchange::BeginRequest() {
  std::destroy_at(&parser());
  new (parser_.data()) HttpParser;
  page_ = nullptr;
  begun_ = false;
  has_line_ = false;
  is_head_ = false;
  continued_ = false;
  empty_lines_ = 0;
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
  *next = Next::kRead;
  if (!begun_ && !Begin()) return false;
  if (const int status = Parse(); status != 0) {
    *next = Refuse(status);
    return false;
  }
  HttpParser& request = parser();
  if (!request.complete()) return Stuck(next);

  if (!request.Answers()) {
    *next = Refuse(request.Status());
    return false;
  }
  const bool keep = request.Keeps() && !(last && begin_ == end_);
  Respond({.status = request.Status(),
           .head = is_head_,
           .close = !keep,
           .keep_alive = keep && request.version < 11});
  ++requests_;
  BeginRequest();
  if (keep) return true;
  *next = begin_ == end_ ? Next::kClose : Next::kLinger;
  return false;
}

// Passes over empty lines before a request, a few: an endless row of them is
// none. False: nothing else has come.
bool HttpExchange::Begin() {
  while (empty_lines_ < kEmptyLines && input().starts_with("\r\n")) {
    begin_ += 2;
    ++empty_lines_;
  }
  begun_ = !input().empty() && input() != "\r";
  return begun_;
}

// Takes what it can from the input. The status of an error, or 0.
int HttpExchange::Parse() {
  if (!has_line_) {
    const int status = TakeLine();
    if (status != 0 || !has_line_) return status;
  }
  HttpParser& request = parser();
  while (begin_ < end_ && !request.complete()) {
    const bool in_header = !request.is_header_done();
    if (in_header && IsFolded(input())) return 400;
    if (!in_header && request.chunked() && request.between_chunks) {
      const Chunk chunk = LookAtChunk();
      if (chunk == Chunk::kBad) return 400;
      if (chunk == Chunk::kUnfinished) break;
    }
    error_code error;
    const boost::asio::const_buffer rest(input().data(), input().size());
    const std::size_t used = request.put(rest, error);
    if (error == http::error::end_of_chunk) return TakeTrailers();
    begin_ += used;
    if (in_header) header_ += used;
    if (error == http::error::need_more) break;
    if (error) return StatusOf(error);
  }
  // The parser limits the request line, and each piece of a header.
  const std::size_t unused = request.is_header_done() ? 0 : end_ - begin_;
  return header_ + unused > kInput ? 431 : 0;
}

// Looks at the request line, once all of it is there, before the parser does.
// The status of an error, or 0.
int HttpExchange::TakeLine() {
  const std::size_t end = input().find('\n');
  if (end == std::string_view::npos) {
    if (input().size() == kInput) return 414;
    return MayBeRequest(input()) ? 0 : 400;
  }
  const std::string_view line = input().substr(0, end);
  if (!line.ends_with('\r')) return 400;
  is_head_ = line.starts_with("HEAD ");
  const int status = CheckRequestLine(line.substr(0, end - 1));
  if (status != 0) return status;
  if (pages_ != nullptr) page_ = FindPage(*pages_, line);
  // A later 1.x is answered as 1.1; the parser knows of none.
  char& minor = input_[begin_ + end - 2];
  if (minor > '1') minor = '1';
  has_line_ = true;
  return 0;
}

// The parser gets a chunk's line whole, and the last one with the trailers.
HttpExchange::Chunk HttpExchange::LookAtChunk() {
  std::string_view text = input();
  if (!parser().first_chunk) {  // The end of the one before.
    if (text.size() < 2) return Chunk::kUnfinished;
    if (!text.starts_with("\r\n")) return Chunk::kBad;
    text.remove_prefix(2);
  }
  if (text.find('\n') == std::string_view::npos) return Chunk::kUnfinished;
  const std::size_t digits = CountHexDigits(text);
  if (digits == 0 ||
      kBehindChunkSize.find(text[digits]) == std::string_view::npos) {
    return Chunk::kBad;
  }
  const bool last = text.find_first_not_of('0') == digits;
  return last && text.find("\r\n\r\n") == std::string_view::npos
             ? Chunk::kUnfinished
             : Chunk::kWhole;
}

// The last chunk and the trailer section are there, whole. Trailers may be
// whatever a field may be, and mean nothing. The status of an error, or 0.
int HttpExchange::TakeTrailers() {
  const char* const start = input().data();
  auto at = static_cast<std::size_t>(parser().last_line - start) + 2;
  for (;;) {
    const std::size_t end = input().find("\r\n", at);
    if (end == std::string_view::npos) return 400;
    const std::string_view line = input().substr(at, end - at);
    at = end + 2;
    if (line.empty()) break;
    if (!IsFieldLine(line)) return 400;
  }
  begin_ += at;
  parser().ended = true;
  return 0;
}

// The request is not complete. Always false.
bool HttpExchange::Stuck(Next* next) {
  HttpParser& request = parser();
  *next = Next::kRead;
  if (has_line_ && request.is_header_done() && !continued_) {
    continued_ = true;
    if (!request.Answers() ||
        (request.Status() != 200 && request.expects_continue)) {
      *next = Refuse(request.Status());
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
  Respond({.status = status, .head = is_head_, .close = true});
  ++errors_;
  begin_ = end_ = 0;
  BeginRequest();
  return Next::kLinger;
}

void HttpExchange::Respond(const Answer& answer) {
  const Page* const page = answer.status == 200 ? page_ : nullptr;
  const std::string body =
      page != nullptr ? page->text()
      : answer.status == 200
          ? std::string(kHello)
          : absl::StrCat(answer.status, " ", Reason(answer.status), "\n");
  absl::StrAppend(
      &output_, "HTTP/1.1 ", answer.status, " ", Reason(answer.status),
      "\r\nServer: netpoll\r\nDate: ", Date(),
      "\r\nContent-Type: ", page != nullptr ? page->type : "text/plain",
      "\r\nContent-Length: ", body.size(), "\r\n");
  if (answer.status == 405) output_ += "Allow: GET, HEAD\r\n";
  if (answer.close) output_ += "Connection: close\r\n";
  if (answer.keep_alive) output_ += "Connection: keep-alive\r\n";
  output_ += "\r\n";
  if (!answer.head) output_ += body;
}

}  // namespace netpoll::server
