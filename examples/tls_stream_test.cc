// SPDX-License-Identifier: Apache-2.0
//
// A client and a server talk TLS over a socket pair, by tls_stream.h.

#include "netpoll/examples/tls_stream.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/buffered_reader.h"
#include "netpoll/runtime/byte_stream.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"

namespace netpoll::examples {
namespace {

using Tls = TlsStream<Socket>;
static_assert(ByteStream<Tls>);
static_assert(ByteStream<TlsStream<Tls>>, "layers over layers");

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

// With a certificate of its own making.
Context ServerContext() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  Context context(SSL_CTX_new(TLS_server_method()));
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

class TlsStreamTest : public testing::Test {
 protected:
  // Both ends; `talk(client, server)` is run once for each side.
  template <class Client, class Server>
  void Run(Client client, Server server) {
    Runtime runtime({.threads = 2});
    auto ends = *Socket::Pair(runtime);
    const Context server_context = ServerContext();
    const Context client_context(SSL_CTX_new(TLS_client_method()));
    auto serve = [&]() -> Task<> {
      Tls tls(ends.first, server_context.get(), Tls::Side::kServer);
      co_await server(tls, ends.first);
    };
    auto call = [&]() -> Task<> {
      Tls tls(ends.second, client_context.get(), Tls::Side::kClient);
      co_await client(tls, ends.second);
    };
    runtime.Spawn(serve());
    runtime.Spawn(call());
    EXPECT_TRUE(runtime.Run().ok());
  }
};

TEST_F(TlsStreamTest, LinesAndMuchDataAndAnEnd) {
  const std::string much(300'000, 'x');
  Run(
      [&](Tls& tls, Socket&) -> Task<> {
        EXPECT_TRUE((co_await tls.Handshake()).ok());
        EXPECT_TRUE((co_await tls.Write("hello\n")).ok());
        const IoResult put = co_await tls.Write(much);
        EXPECT_EQ(put.bytes, much.size());
        char byte;
        EXPECT_EQ((co_await tls.Read({&byte, 1})).bytes, 1u);
        EXPECT_TRUE((co_await tls.Close()).ok());
      },
      [&](Tls& tls, Socket&) -> Task<> {
        BufferedReader reader(tls);
        EXPECT_EQ((co_await reader.ReadUntil('\n')).data, "hello\n");
        std::size_t got = 0;
        while (got < much.size()) {
          const ReadResult some = co_await reader.ReadSome();
          EXPECT_TRUE(some.ok()) << some.status.ToString();
          if (!some.ok()) break;
          got += some.data.size();
        }
        EXPECT_EQ(got, much.size());
        EXPECT_TRUE((co_await tls.Write("!")).ok());
        EXPECT_EQ((co_await reader.ReadSome()).status.error_number(), ENODATA);
        (void)co_await tls.Close();
      });
}

// What is under way when a deadline passes is sent by whatever comes next.
TEST_F(TlsStreamTest, ATimeoutLosesNothing) {
  std::string much(3'000'000, '\0');
  for (std::size_t i = 0; i < much.size(); ++i) {
    much[i] = static_cast<char>(i * 7 / 5);
  }
  Event read;
  Run(
      [&](Tls& tls, Socket& raw) -> Task<> {
        EXPECT_TRUE((co_await tls.Handshake()).ok());
        raw.SetWriteDeadline(Runtime::After(std::chrono::milliseconds(5)));
        const IoResult part = co_await tls.Write(much);
        EXPECT_TRUE(part.status.timeout());
        EXPECT_LT(part.bytes, much.size());
        raw.SetWriteDeadline(Deadline::None());
        read.Set();
        const std::string_view rest = std::string_view(much).substr(part.bytes);
        EXPECT_EQ((co_await tls.Write(rest)).bytes, rest.size());
        EXPECT_TRUE((co_await tls.Close()).ok());
      },
      [&](Tls& tls, Socket&) -> Task<> {
        EXPECT_TRUE((co_await tls.Handshake()).ok());
        (void)co_await read.Wait();
        BufferedReader reader(tls);
        std::string got(much.size(), '\0');
        const IoResult all = co_await reader.ReadInto(got);
        EXPECT_TRUE(all.ok()) << all.status.ToString();
        EXPECT_TRUE(got == much);
        (void)co_await tls.Close();
      });
}

// OpenSSL keeps errors by thread; a worker has many connections.
TEST_F(TlsStreamTest, AnErrorOfAnotherConnectionIsNotItsOwn) {
  Run(
      [](Tls& tls, Socket&) -> Task<> {
        EXPECT_TRUE((co_await tls.Handshake()).ok());
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
        char byte;
        const IoResult got = co_await tls.Read({&byte, 1});
        EXPECT_EQ(got.bytes, 1u) << got.status.ToString();
      },
      [](Tls& tls, Socket&) -> Task<> {
        EXPECT_TRUE((co_await tls.Handshake()).ok());
        EXPECT_TRUE((co_await tls.Write("x")).ok());
      });
}

TEST_F(TlsStreamTest, WhoIsCutOffOrTalksOtherwiseIsTold) {
  Run(
      [](Tls& tls, Socket& raw) -> Task<> {
        char byte;
        EXPECT_EQ((co_await tls.Read({&byte, 1})).bytes, 1u);
        co_await raw.Close();
      },
      [](Tls& tls, Socket&) -> Task<> {
        char byte = 'x';
        EXPECT_TRUE((co_await tls.Write({&byte, 1})).ok());
        const IoResult cut = co_await tls.Read({&byte, 1});
        EXPECT_EQ(cut.status.error_number(), ECONNRESET);
      });
  Run(
      [](Tls&, Socket& raw) -> Task<> {
        EXPECT_TRUE((co_await raw.Write("GET / HTTP/1.1\r\n\r\n")).ok());
        char bytes[64];
        (void)co_await raw.Read(bytes);
      },
      [](Tls& tls, Socket& raw) -> Task<> {
        EXPECT_EQ((co_await tls.Handshake()).error_number(), EPROTO);
        raw.CloseNow();
      });
}

}  // namespace
}  // namespace netpoll::examples
