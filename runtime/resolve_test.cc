// SPDX-License-Identifier: Apache-2.0
//
// Hosts by name, and which of their addresses is connected to.

#include "netpoll/runtime/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;
using internal::sys;

class ResolveTest : public WorkersTest {
 private:
  const internal::SysOverride restore_;
};
NETPOLL_INSTANTIATE_WORKERS(ResolveTest);

// What the system's resolver says here: these addresses, of every name.
std::vector<std::string> known;
int answer = 0;
int answer_errno = 0;
int asked = 0;

int Known(const char*, const char*, const addrinfo* hints, addrinfo** first) {
  ++asked;
  *first = nullptr;
  if (answer != 0) {
    errno = answer_errno;
    return answer;
  }
  addrinfo** end = first;
  for (const std::string& host : known) {
    const SocketAddress address = *SocketAddress::FromHostPort(host, 0);
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != address.family()) {
      continue;
    }
    auto* const one = new addrinfo{};
    auto* const name = new sockaddr_storage{};
    std::memcpy(name, address.data(), address.size());
    one->ai_family = address.family();
    one->ai_addr = reinterpret_cast<sockaddr*>(name);
    one->ai_addrlen = address.size();
    *end = one;
    end = &one->ai_next;
  }
  return *first == nullptr ? EAI_NONAME : 0;
}
void Free(addrinfo* one) {
  while (one != nullptr) {
    addrinfo* const next = one->ai_next;
    delete reinterpret_cast<sockaddr_storage*>(one->ai_addr);
    delete one;
    one = next;
  }
}
void Answer(std::vector<std::string> hosts, int code = 0, int error = 0) {
  known = std::move(hosts);
  answer = code;
  answer_errno = error;
  asked = 0;
  sys.getaddrinfo = &Known;
  sys.freeaddrinfo = &Free;
}

TEST_P(ResolveTest, EachAddressOnceInTheSystemsOrder) {
  BlockingPool pool;
  Answer({"::1", "127.0.0.2", "127.0.0.2", "127.0.0.1"});
  RunTest(threads(), [&](Runtime&) -> Task<> {
    auto all = co_await Resolve(pool, "host", 80);
    EXPECT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(all->size(), 3u);
    EXPECT_EQ(all->at(0), Parse("[::1]:80"));
    EXPECT_EQ(all->at(1), Parse("127.0.0.2:80"));
    auto four = co_await Resolve(pool, "host", 80, {.family = AF_INET});
    EXPECT_EQ(four->size(), 2u);
    asked = 0;
    auto text = co_await Resolve(pool, "127.0.0.9", 1);
    EXPECT_EQ(text->at(0), Parse("127.0.0.9:1"));
    EXPECT_EQ((co_await Resolve(pool, "::1", 1))->at(0), Parse("[::1]:1"));
    EXPECT_EQ(asked, 0);
  });
}

TEST_P(ResolveTest, ErrorsAreStatuses) {
  BlockingPool pool;
  const auto expect = [&](int code, absl::StatusCode status, int error = 0) {
    Answer({}, code, error);
    RunTest(threads(), [&](Runtime&) -> Task<> {
      const auto none = co_await Resolve(pool, "nowhere", 80);
      EXPECT_EQ(none.status().code(), status) << none.status();
      ExpectSays(none.status(), "resolve nowhere: ");
    });
  };
  expect(EAI_NONAME, absl::StatusCode::kNotFound);
  expect(EAI_AGAIN, absl::StatusCode::kUnavailable);
  expect(EAI_MEMORY, absl::StatusCode::kResourceExhausted);
  expect(EAI_SYSTEM, absl::StatusCode::kResourceExhausted, EMFILE);
  // What glibc says where it can't open what it would look into: not known.
  expect(EAI_NONAME, absl::StatusCode::kResourceExhausted, EMFILE);
  expect(EAI_NONAME, absl::StatusCode::kNotFound, ENOENT);
  expect(EAI_FAIL, absl::StatusCode::kUnknown);
  RunTest(threads(), [&](Runtime&) -> Task<> {
    const auto none = co_await Resolve(pool, std::string("a\0b", 3), 80);
    EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
  });
}

TEST(Resolve, TheSystemKnowsThisHost) {
  BlockingPool pool;
  RunTest(1, [&](Runtime&) -> Task<> {
    const auto here = co_await Resolve(pool, "localhost", 80);
    EXPECT_TRUE(here.ok()) << here.status();
    for (const SocketAddress& address : *here) EXPECT_EQ(address.port(), 80);
  });
}

// --- Which one ---------------------------------------------------------------

// Connects, by address: refused at once, never ended, or as the system says.
std::vector<std::string> tried;
std::string refused;
std::string silent;

int Connect(int fd, const sockaddr* to, socklen_t size) {
  const std::string host = SocketAddress::FromSockaddr(to, size)->host();
  tried.push_back(host);
  if (host == refused) {
    errno = ECONNREFUSED;
    return -1;
  }
  if (host == silent) {
    // A socket that is bound to nothing and connects to nobody.
    errno = EINPROGRESS;
    return -1;
  }
  return ::connect(fd, to, size);
}
void Network(std::string refuses, std::string says_nothing) {
  tried.clear();
  refused = std::move(refuses);
  silent = std::move(says_nothing);
  sys.connect = &Connect;
}

TEST_P(ResolveTest, TheNextBeginsAtOnceAfterAFailure) {
  BlockingPool pool;
  Network("127.0.0.2", "");
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Parse("127.0.0.1:0"));
    Answer({"127.0.0.2", "127.0.0.1"});
    auto socket =
        co_await ConnectByName(runtime, pool, "host", listener.address().port(),
                               {.attempt_delay = 1h});
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_TRUE((co_await listener.Accept()).ok());
  });
  EXPECT_EQ(tried, (std::vector<std::string>{"127.0.0.2", "127.0.0.1"}));
}

TEST_P(ResolveTest, ASilentOneIsOvertakenAndEnded) {
  Network("", "127.0.0.2");
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Parse("127.0.0.1:0"));
    const std::uint16_t port = listener.address().port();
    std::vector<SocketAddress> all{Parse("127.0.0.2:1").WithPort(port),
                                   listener.address(),
                                   Parse("127.0.0.3:1").WithPort(port)};
    // (The descriptors are counted: the silent one's is closed.)
    auto socket = co_await ConnectToAny(runtime, all, {.attempt_delay = 2ms});
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_EQ(socket->PeerAddress().value(), listener.address());
  });
  EXPECT_GE(tried.size(), 2u);
  EXPECT_EQ(tried[0], "127.0.0.2");
}

TEST_P(ResolveTest, FamiliesTakeTurns) {
  Network("", "");
  sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    (void)fd;
    tried.push_back(SocketAddress::FromSockaddr(to, size)->host());
    errno = ECONNREFUSED;
    return -1;
  };
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    std::vector<SocketAddress> all{Parse("[::1]:1"), Parse("[::2]:1"),
                                   Parse("[::3]:1"), Parse("127.0.0.1:1"),
                                   Parse("127.0.0.2:1")};
    const auto none = co_await ConnectToAny(runtime, all);
    EXPECT_EQ(none.status().code(), absl::StatusCode::kUnavailable)
        << none.status();
    ExpectSays(none.status(), "connect to [::1]:1: ECONNREFUSED");
    EXPECT_NE(none.status().message().find("; connect to 127.0.0.2:1: "),
              std::string::npos)
        << none.status();
  });
  EXPECT_EQ(tried, (std::vector<std::string>{"::1", "127.0.0.1", "::2",
                                             "127.0.0.2", "::3"}));
}

TEST_P(ResolveTest, ADeadlineACancellerAScopeAndStopEndAll) {
  Network("", "127.0.0.2");
  enum class By { kDeadline, kCanceller, kStop, kScope, kTime };
  for (const By by :
       {By::kDeadline, By::kCanceller, By::kStop, By::kScope, By::kTime}) {
    RunTest(threads(), [&](Runtime& runtime) -> Task<> {
      const std::vector<SocketAddress> all(3, Parse("127.0.0.2:9"));
      ConnectCanceller cancel;
      ConnectByNameOptions options{.attempt_delay = 1ms};
      if (by == By::kDeadline) options.connect.deadline = runtime.After(5ms);
      if (by == By::kCanceller) options.connect.cancel = &cancel;
      CancelSource scope;
      auto connect = [&]() -> Task<absl::Status> {
        const Deadline time =
            by == By::kTime ? runtime.After(5ms) : Deadline::None();
        const auto none = co_await WithCancel(
            scope, WithTimeout(time, ConnectToAny(runtime, all, options)));
        co_return none.status();
      };
      JoinHandle<absl::Status> task = runtime.Spawn(connect());
      (void)co_await runtime.Sleep(2ms);
      if (by == By::kScope) scope.Cancel();
      if (by == By::kCanceller) cancel.Cancel();
      if (by == By::kStop) runtime.Stop();
      const absl::Status status = co_await std::move(task);
      EXPECT_EQ(status.code(), by == By::kDeadline || by == By::kTime
                                   ? absl::StatusCode::kDeadlineExceeded
                                   : absl::StatusCode::kCancelled)
          << status;
    });
  }
}

TEST_P(ResolveTest, OfNoAddressesIsAnError) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const auto none = co_await ConnectToAny(runtime, {});
    EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
  });
}

}  // namespace
}  // namespace netpoll
