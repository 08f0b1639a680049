// SPDX-License-Identifier: Apache-2.0
//
// Each allocation of a running server fails once, the first, the second and so
// on, and then all from the Nth on, until a client is served whole without one
// that failed. The client may be refused; nothing else may happen: other
// clients are served, the next one too, and no descriptor is left over.
//
// The allocator's functions are replaced in this program. Only threads that are
// told to fail do.

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/http_session.h"
#include "netpoll/tools/server/server.h"
#include "netpoll/tools/testing/allocations.h"

namespace {

// Of all threads: allocations until the one that fails; 0: none does.
std::atomic<int> countdown{0};
std::atomic<bool> and_all_after{false};
std::atomic<int> failed{0};
// Allocations of this thread, the test's own, count for nothing.
thread_local bool exempt = false;

bool Fails() {
  if (exempt || countdown.load() == 0) return false;
  const int before = countdown.fetch_sub(1);
  if (before > 1) return false;
  if (and_all_after) {
    countdown = 1;
  } else if (before < 1) {
    countdown = 0;  // Another thread was faster.
    return false;
  }
  ++failed;
  return true;
}

const bool kFails = [] {
  netpoll::tools::refuses_allocation = &Fails;
  return true;
}();

}  // namespace

namespace netpoll::server {
namespace {

constexpr int kPatience = 30'000;  // Milliseconds.

int OpenDescriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

// A blocking client of this thread.
class Client {
 public:
  explicit Client(const SocketAddress& server)
      : fd_(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = kPatience / 1000, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    connected_ = ::connect(fd_, server.data(), server.size()) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  bool connected() const { return connected_; }

  // Whether the answer comes. An end or a reset is a refusal; waiting longer
  // than patience is a failure.
  bool Ask(std::string_view question, std::string_view end) {
    if (::send(fd_, question.data(), question.size(), MSG_NOSIGNAL) < 0) {
      return false;
    }
    std::string answer;
    char buffer[4096];
    while (!answer.ends_with(end)) {
      const ssize_t got = Receive(buffer);
      if (got == 0) return false;
      if (got < 0) {
        EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE)
            << std::strerror(errno);
        return false;
      }
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return true;
  }
  // Until the server has closed its end.
  void WaitForEnd() {
    ::shutdown(fd_, SHUT_WR);
    char buffer[4096];
    ssize_t got = 0;
    while ((got = Receive(buffer)) > 0) {
    }
    EXPECT_TRUE(got == 0 || errno == ECONNRESET) << std::strerror(errno);
  }

 private:
  // A ring that this thread made interrupts it.
  template <std::size_t kSize>
  ssize_t Receive(char (&buffer)[kSize]) {
    ssize_t got;
    do {
      got = ::recv(fd_, buffer, kSize, 0);
    } while (got < 0 && errno == EINTR);
    return got;
  }

  int fd_;
  bool connected_ = false;
};

struct Kind {
  Server::Session session;
  std::string_view question;
  std::string_view end;
};

constexpr Kind kEcho{&EchoSession, "hello", "hello"};
constexpr Kind kHttp{&HttpSession, "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                     "Hello from netpoll.\n"};
// Is refused, and lingered for.
constexpr Kind kRefused{&HttpSession, "GET /#x HTTP/1.1\r\nHost: h\r\n\r\n",
                        "400 Bad Request\n"};

using Parameter = std::tuple<std::string, int, const Kind*>;

class OutOfMemory : public ::testing::TestWithParam<Parameter> {
 protected:
  void SetUp() override {
    exempt = true;
    kind_ = std::get<2>(GetParam());
  }
  void TearDown() override {
    countdown = 0;
    exempt = false;
  }

  void Start() {
    runtime_.emplace(RuntimeOptions{.threads = std::get<1>(GetParam()),
                                    .backend = std::get<0>(GetParam())});
    if (!runtime_->status().ok()) GTEST_SKIP() << runtime_->status();
    auto listener =
        Listener::Listen(*runtime_, *SocketAddress::Parse("127.0.0.1:0"));
    ASSERT_TRUE(listener.ok()) << listener.status();
    ServerOptions options;
    options.read_timeout = std::chrono::hours(1);
    options.write_timeout = std::chrono::hours(1);
    options.log_refusals = false;
    options.max_connections = 2;  // A place that is lost would be missed.
    server_.emplace(*runtime_, *std::move(listener), kind_->session, options);
    server_->Start([this] { done_ = true; });
    thread_ = std::thread([this] { ran_ = runtime_->Run(); });
  }

  // True: the server had to do without some memory.
  bool Cycle(int nth, bool all) {
    failed = 0;
    and_all_after = all;
    countdown = nth;
    {
      Client client(server_->address());
      EXPECT_TRUE(client.connected());
      const bool served = client.Ask(kind_->question, kind_->end);
      if (served) client.WaitForEnd();
      countdown = 0;
      EXPECT_TRUE(served || failed > 0) << "refused for no reason";
    }
    return failed > 0;
  }

  void Check(bool all) {
    const int fds = OpenDescriptors();
    Start();
    if (IsSkipped()) return;
    {
      Client other(server_->address());
      // It is in, and every worker runs.
      ASSERT_TRUE(other.Ask(kind_->question, kind_->end));
      int nth = 0;
      do {
        ++nth;
        SCOPED_TRACE(testing::Message() << "allocation " << nth << " fails");
        const bool some_failed = Cycle(nth, all);
        // The one that was there is served, and so is the next.
        if (kind_ != &kRefused) {
          EXPECT_TRUE(other.Ask(kind_->question, kind_->end));
        }
        Client next(server_->address());
        EXPECT_TRUE(next.Ask(kind_->question, kind_->end));
        if (!some_failed) break;
      } while (nth < 1000 && !HasFailure());
      EXPECT_GT(nth, 2) << "the allocator was not asked";
      EXPECT_LT(nth, 1000);
    }
    server_->Drain();
    thread_.join();
    EXPECT_TRUE(ran_.ok()) << ran_;
    EXPECT_TRUE(done_) << "somebody is counted who is not there";
    const Totals totals = server_->totals();
    EXPECT_GT(totals.refused + totals.counts.errors, 0u);
    server_.reset();
    runtime_.reset();
    EXPECT_EQ(OpenDescriptors(), fds);
  }

  const Kind* kind_ = nullptr;
  std::optional<Runtime> runtime_;
  std::optional<Server> server_;
  std::thread thread_;
  std::atomic<bool> done_{false};
  absl::Status ran_;
};

TEST_P(OutOfMemory, OneFailedAllocationRefusesAtMostOneClient) { Check(false); }
TEST_P(OutOfMemory, NoMemoryForAWhileRefusesClientsMeanwhile) { Check(true); }

// Not those over shims: these stand for a kernel, whose memory is no matter of
// this process.
std::vector<std::string> Backends() {
  std::vector<std::string> names;
  for (const char* const name : {"epoll", "io_uring", "poll"}) {
    if (HostBackends::Has(name)) names.emplace_back(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(
    Each, OutOfMemory,
    ::testing::Combine(::testing::ValuesIn(Backends()), ::testing::Values(1, 2),
                       ::testing::Values(&kEcho, &kHttp, &kRefused)),
    [](const auto& test) {
      const Kind* const kind = std::get<2>(test.param);
      return std::get<0>(test.param) + "_" +
             std::to_string(std::get<1>(test.param)) +
             (kind == &kEcho   ? "_Echo"
              : kind == &kHttp ? "_Http"
                               : "_Refused");
    });

}  // namespace
}  // namespace netpoll::server
