// SPDX-License-Identifier: Apache-2.0
//
// The parser of HTTP requests: Boost.Beast's, and what it lacks. For
// http_exchange.cc alone.

#ifndef NETPOLL_TOOLS_SERVER_HTTP_PARSER_H_
#define NETPOLL_TOOLS_SERVER_HTTP_PARSER_H_

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "netpoll/tools/server/http_syntax.h"

namespace netpoll::server {

// Keeps of a request only what the answer depends on.
class HttpParser : public boost::beast::http::basic_parser<true> {
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;
  using Error = boost::beast::http::error;
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

 public:
  HttpParser() {
    header_limit(kMostHeader);
    body_limit(kMostBody);
    eager(false);  // Stops behind the header.
  }

  Verb method = Verb::unknown;
  int version = 11;
  bool expects_continue = false;
  bool expects_else = false;
  int hosts = 0;
  bool bad_host = false;
  TransferCodings codings;
  ConnectionOptions connection;
  // Of a chunked body.
  bool between_chunks = true;
  bool first_chunk = true;
  std::size_t extensions = 0;       // Bytes of them.
  const char* last_line = nullptr;  // Where the last chunk's line ends.
  bool ended = false;               // The trailer section has been read.

  bool complete() const { return ended || is_done(); }

  // The status to answer with, once the header is complete.
  int Status() const {
    // HTTP/1.0 knows no codings: where such a body ends is not sure.
    if (version < 11 && codings.present()) return 400;
    if (codings.Status() == 400 || codings.present() != chunked()) {
      return codings.Status() == 501 ? 501 : 400;
    }
    if (hosts > 1 || bad_host || (version >= 11 && hosts == 0)) return 400;
    if (codings.Status() != 0) return codings.Status();
    if (expects_else) return 417;
    if (method == Verb::unknown) return 501;
    if (method != Verb::get && method != Verb::head) return 405;
    return 200;
  }

  // Whether that status is an answer to a whole request, body and all, after
  // which the next may come.
  bool Answers() const {
    const int status = Status();
    return status == 200 || status == 405 ||
           (status == 501 && codings.Status() == 0);
  }

  bool Keeps() const {
    if (connection.close()) return false;
    return version >= 11 || connection.keep_alive();
  }

 private:
  void on_request_impl(Verb verb, string_view, string_view, int number,
                       error_code&) override {
    method = verb;
    version = number;
  }
  void on_field_impl(Field name, string_view, string_view value,
                     error_code&) override {
    const std::string_view text(value.data(), value.size());
    switch (name) {
      case Field::host:
        ++hosts;
        if (!IsHost(text)) bad_host = true;
        break;
      case Field::transfer_encoding:
        codings.Add(text);
        break;
      case Field::connection:
        connection.Add(text);
        break;
      case Field::expect:
        if (version < 11) break;  // Which had no expectations.
        (absl::EqualsIgnoreCase({text.data(), text.size()}, "100-continue")
             ? expects_continue
             : expects_else) = true;
        break;
      default:
        break;
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, string_view extension,
                            error_code& error) override {
    extensions += extension.size();
    if (extensions > kMostHeader) error = Error::header_limit;
    if (size > 0) {
      between_chunks = first_chunk = false;
    } else if (!error) {
      // What follows is not for the parser: it would act on the trailers.
      last_line = extension.data() + extension.size();
      error = Error::end_of_chunk;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, string_view body,
                                 error_code&) override {
    between_chunks = body.size() == left;
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
  // Of responses only.
  void on_response_impl(int, string_view, int, error_code&) override {}
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_HTTP_PARSER_H_
