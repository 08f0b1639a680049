// SPDX-License-Identifier: Apache-2.0
//
// One side of an HTTP/1.1 connection as a function from bytes to bytes: no
// sockets, no clock but for the Date field. Boost.Beast parses.
//
//   GET, HEAD        200 and a small body, whatever the target
//   other methods    405 with Allow, or 501 if nobody has heard of them; with a
//                    body, once it has been read
//   400              no request; a target, a Host, a length or a transfer
//                    coding that is wrong, missing or contradicts another;
//                    any transfer coding in 1.0; a folded field
//   413 414 431      body, request line, header over the limits below
//   417 501 505      an expectation, a transfer coding (also chunked with a
//                    parameter, or after another), a major version not known
//
// Requests are answered in order, as many in one output as fit; connections
// are kept alive as the request's version and Connection field say. 1.2 and
// above are answered as 1.1. Bodies are read and thrown away; trailers too, and
// whatever they name has no effect. The Host of a request with a whole URI is
// not compared with it: the URI counts. After a malformed request the
// connection is of no more use, and closes. Buffers are bounded by kInput and
// kOutput.

#ifndef NETPOLL_TOOLS_SERVER_HTTP_EXCHANGE_H_
#define NETPOLL_TOOLS_SERVER_HTTP_EXCHANGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "netpoll/tools/server/http_syntax.h"
#include "netpoll/tools/server/pages.h"

namespace netpoll::server {

class HttpParser;

class HttpExchange {
 public:
  static constexpr std::size_t kInput = kMostHeader;
  static constexpr std::size_t kOutput = 16384;  // Written before going on.
  static constexpr int kEmptyLines = 8;  // That may come before a request.

  enum class Next {
    kRead,    // Write the output, then Received() of Room().
    kWrite,   // Write the output; then Advance has more to do.
    kClose,   // Write the output and close.
    kLinger,  // The same, but the client may still be sending.
  };

  // `pages` are answered with their text, all other paths with a greeting.
  explicit HttpExchange(const Pages* pages = nullptr);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  ~HttpExchange();

  // Where to put the next bytes; never empty after kRead.
  std::span<char> Room();
  void Received(std::size_t bytes) { end_ += bytes; }

  // Answers what has been received. `last`: the connection should close when
  // nothing more is waiting to be answered.
  Next Advance(bool last);

  std::string_view output() const { return output_; }
  void ClearOutput() { output_.clear(); }

  // Whether the first byte of a request has come, and not yet its last.
  bool mid_request() const { return begun_; }
  // The same, and its header is not complete.
  bool mid_header() const { return begun_ && !continued_; }

  std::uint64_t requests() const { return requests_; }
  std::uint64_t errors() const { return errors_; }

 private:
  struct Answer;
  enum class Chunk { kUnfinished, kWhole, kBad };

  HttpParser& parser();
  std::string_view input() const {
    return {input_.data() + begin_, end_ - begin_};
  }
  bool Step(bool last, Next* next);
  bool Begin();
  int Parse();
  int TakeLine();
  Chunk LookAtChunk();
  int TakeTrailers();
  bool Stuck(Next* next);
  Next Refuse(int status);
  void Respond(const Answer& answer);
  void BeginRequest();

  const Pages* const pages_;
  const Page* page_ = nullptr;  // That the request line asks for.
  std::array<char, kInput> input_;
  std::size_t begin_ = 0;  // What is not parsed yet is in [begin_, end_).
  std::size_t end_ = 0;
  std::string output_;
  std::uint64_t requests_ = 0;
  std::uint64_t errors_ = 0;
  std::size_t header_ = 0;  // Bytes of this request's header.
  int empty_lines_ = 0;
  bool begun_ = false;
  bool has_line_ = false;   // The request line was looked at.
  bool is_head_ = false;    // And is a HEAD's.
  bool continued_ = false;  // In the body; 100 was sent, or need not be.
  // The parser lives here, so that Beast stays in one place.
  static constexpr std::size_t kParserSize = 224;
  alignas(16) std::array<std::byte, kParserSize> parser_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_HTTP_EXCHANGE_H_
