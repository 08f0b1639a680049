// SPDX-License-Identifier: Apache-2.0
//
// TLS over any ByteStream, by OpenSSL and two memory BIOs: what a layer looks
// like. OpenSSL never touches the socket; what it wants to send is fetched from
// one BIO and written, what was read is put into the other.
//
// One task at a time, for reading and writing alike: either may have to do the
// other.

#ifndef NETPOLL_EXAMPLES_TLS_STREAM_H_
#define NETPOLL_EXAMPLES_TLS_STREAM_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "netpoll/runtime/byte_stream.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task.h"

namespace netpoll::examples {

template <ByteStream Lower>
class TlsStream {
 public:
  enum class Side { kClient, kServer };

  // `lower` and `context` must outlive it.
  TlsStream(Lower& lower, SSL_CTX* context, Side side)
      : lower_(lower),
        ssl_(SSL_new(context)),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    BIO_set_mem_eof_return(in_, -1);  // Empty is no end.
    SSL_set_bio(ssl_.get(), in_, out_);
    side == Side::kClient ? SSL_set_connect_state(ssl_.get())
                          : SSL_set_accept_state(ssl_.get());
  }

  Task<IoStatus> Handshake() {
    const IoResult done =
        co_await Do([this] { return SSL_do_handshake(ssl_.get()); });
    co_return done.status;
  }
  Task<IoResult> Read(std::span<char> buffer) {
    return Do([this, buffer] {
      return SSL_read(ssl_.get(), buffer.data(),
                      static_cast<int>(buffer.size()));
    });
  }
  Task<IoResult> Write(std::string_view data) {
    IoResult all;
    while (all.ok() && all.bytes < data.size()) {
      const std::string_view rest = data.substr(all.bytes, 16 << 10);
      const IoResult put = co_await Do([this, rest] {
        return SSL_write(ssl_.get(), rest.data(),
                         static_cast<int>(rest.size()));
      });
      all = {all.bytes + put.bytes, put.status};
    }
    co_return all;
  }
  // Says so to the peer, and closes what is below.
  Task<IoStatus> Close() {
    SSL_shutdown(ssl_.get());
    (void)co_await Flush();
    co_return co_await lower_.Close();
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  // Calls OpenSSL until it has what it wants. EPROTO: it did not like it. What
  // OpenSSL has done stays done if the flush is ended: the next call flushes
  // on.
  template <class Call>
  Task<IoResult> Do(Call call) {
    for (;;) {
      ERR_clear_error();  // Other connections' of this thread, which count too.
      const int result = call();
      const int error = SSL_get_error(ssl_.get(), result);
      const IoStatus flushed = co_await Flush();
      if (result > 0 || !flushed.ok()) {
        const auto bytes = static_cast<std::size_t>(std::max(result, 0));
        co_return IoResult{bytes, flushed};
      }
      if (error == SSL_ERROR_ZERO_RETURN) co_return IoResult{};  // The end.
      if (error != SSL_ERROR_WANT_READ) {
        co_return IoResult{0, IoStatus::FromErrno(EPROTO)};
      }
      const IoResult got = co_await lower_.Read(buffer_);
      if (!got.ok()) co_return IoResult{0, got.status};
      // An end without TLS's own: cut off, perhaps by somebody between.
      if (got.bytes == 0)
        co_return IoResult{0, IoStatus::FromErrno(ECONNRESET)};
      BIO_write(in_, buffer_.data(), static_cast<int>(got.bytes));
    }
  }

  // What was not written stays in the BIO.
  Task<IoStatus> Flush() {
    for (;;) {
      char* data = nullptr;
      const long size = BIO_get_mem_data(out_, &data);
      if (size <= 0) co_return IoStatus();
      const std::size_t most = std::min<std::size_t>(size, buffer_.size());
      const IoResult put = co_await lower_.Write({data, most});
      BIO_read(out_, buffer_.data(), static_cast<int>(put.bytes));
      if (!put.ok()) co_return put.status;
    }
  }

  Lower& lower_;
  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_;   // OpenSSL's.
  BIO* out_;  // OpenSSL's.
  std::array<char, 16 << 10> buffer_;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_TLS_STREAM_H_
