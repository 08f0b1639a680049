// SPDX-License-Identifier: Apache-2.0
//
// What the outside does to a runtime at work: signals, clients that are gone
// before they are accepted, descriptors that run out, deadlines and closes that
// fall into a transfer.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class DisturbanceTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(DisturbanceTest);

Task<std::size_t> ReadExactly(Descriptor& from, std::span<char> into) {
  std::size_t have = 0;
  while (have < into.size()) {
    const IoResult got = co_await from.Read(into.subspan(have));
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    if (!got.ok() || got.bytes == 0) break;
    have += got.bytes;
  }
  co_return have;
}

// --- Signals -----------------------------------------------------------------

StdEnv::Atomic<std::uint32_t> signals_seen{0};
void CountSignal(int) {
  signals_seen.FetchAdd("test.signals", 1, Order::kRelaxed);
}

// Sends the process signals that interrupt system calls, to whatever thread
// takes them, while it lives.
class SignalStorm {
 public:
  SignalStorm() {
    struct sigaction action {};
    action.sa_handler = CountSignal;  // No SA_RESTART.
    ::sigaction(SIGUSR1, &action, &before_);
    thread_ = std::thread([this] {
      sigset_t mine;
      ::sigemptyset(&mine);
      ::sigaddset(&mine, SIGUSR1);
      ::pthread_sigmask(SIG_BLOCK, &mine, nullptr);
      while (!over_.Load("test.over", Order::kAcquire)) {
        ::kill(::getpid(), SIGUSR1);
        std::this_thread::sleep_for(50us);
      }
    });
  }
  ~SignalStorm() {
    over_.Store("test.over", true, Order::kRelease);
    thread_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  StdEnv::Atomic<bool> over_{false};
  std::thread thread_;
};

// Reads, writes, accepts, connects, timeouts and sleeps: none says EINTR.
TEST_P(DisturbanceTest, SignalsEndNothing) {
  const std::uint32_t before =
      signals_seen.Load("test.signals", Order::kRelaxed);
  const SignalStorm storm;
  RunTest(threads(), [before](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    auto send = [](Socket& socket, std::string data) -> Task<> {
      const IoResult put = co_await socket.Write(data);
      EXPECT_TRUE(put.ok()) << put.status.ToString();
    };
    std::vector<char> buffer(1 << 20);
    const auto seen = [] {
      return signals_seen.Load("test.signals", Order::kRelaxed);
    };
    for (int round = 0; round < 20 || seen() < before + 50; ++round) {
      auto client = co_await Socket::Connect(runtime, listener->address());
      EXPECT_TRUE(client.ok()) << client.status();
      AcceptResult accepted = co_await listener->Accept();
      EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
      if (!client.ok() || !accepted.ok()) co_return;
      JoinHandle<void> sender =
          runtime.Spawn(send(*client, std::string(buffer.size(), 's')));
      EXPECT_EQ(co_await ReadExactly(accepted.socket, buffer), buffer.size());
      co_await std::move(sender);
      client->SetReadDeadline(runtime.After(500us));
      EXPECT_TRUE((co_await client->Read(buffer)).status.timeout());
      EXPECT_TRUE(co_await runtime.Sleep(200us));
    }
  });
}

// --- Clients -----------------------------------------------------------------

TEST_P(DisturbanceTest, AConnectionThatIsGoneBeforeItsAcceptStopsNobody) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    const SocketAddress& where = listener->address();
    constexpr int kGone = 5;
    for (int i = 0; i < kGone; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(::connect(fd, where.data(), where.size()), 0);
      const linger reset{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      ::close(fd);
    }
    auto client = co_await Socket::Connect(runtime, where);
    EXPECT_TRUE((co_await client->Write("here")).ok());
    std::array<char, 4> buffer;
    for (int accepts = 1; accepts <= kGone + 1; ++accepts) {
      AcceptResult accepted = co_await listener->Accept();
      EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
      const IoResult got = co_await accepted.socket.Read(buffer);
      if (got.bytes == 4) co_return;
      EXPECT_EQ(got.status.error_number(), ECONNRESET);
    }
    ADD_FAILURE() << "the client that stayed was not accepted";
  });
}

// --- Descriptors -------------------------------------------------------------

// Uses up all descriptors of the process while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = std::min<rlim_t>(256, before_.rlim_cur);
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int fd; (fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0;) {
      fds_.push_back(fd);
    }
  }
  ~NoDescriptors() {
    for (const int fd : fds_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> fds_;
};

TEST_P(DisturbanceTest, WithoutDescriptorsEveryCallSaysSoAndLaterWorks) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const SocketAddress any = Loopback();
    auto listener = Listener::Listen(runtime, any);
    auto client = co_await Socket::Connect(runtime, listener->address());
    EXPECT_TRUE(client.ok());
    const auto says_so = [](const absl::Status& status) {
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    };
    {
      const NoDescriptors none;
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ((co_await listener->Accept()).status.error_number(), EMFILE);
      }
      says_so((co_await Socket::Connect(runtime, any)).status());
      says_so(Listener::Listen(runtime, any).status());
      says_so(DatagramSocket::Bind(runtime, any).status());
      says_so(Socket::Pair(runtime).status());
      says_so(Descriptor::Pipe(runtime).status());
      // Not in the frame: gcc does not align frames to cache lines.
      const auto second = std::make_unique<Runtime>();
      says_so(second->status());
      says_so(second->Run());
      EXPECT_FALSE(Socket::Pair(*second).ok());
    }
    // What waits is not forgotten, though its edge has long been reported.
    EXPECT_TRUE((co_await listener->Accept()).ok());
    EXPECT_TRUE(Descriptor::Pipe(runtime).ok());
  });
}

// --- Transfers ---------------------------------------------------------------

// A write that times out says how much it sent, and takes nothing from its
// buffer afterwards: the reader gets each letter as often as was said.
TEST_P(DisturbanceTest, AWriteThatTimesOutHasSentExactlyWhatItSays) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto receive = [](Socket& socket) -> Task<std::string> {
      std::string all;
      std::array<char, 1500> buffer;
      for (;;) {
        const IoResult got = co_await socket.Read(buffer);
        EXPECT_TRUE(got.ok()) << got.status.ToString();
        if (!got.ok() || got.bytes == 0) co_return all;
        all.append(buffer.data(), got.bytes);
      }
    };
    JoinHandle<std::string> receiver = runtime.Spawn(receive(ends->second));
    std::string said;
    std::string buffer(1 << 20, ' ');
    for (int i = 0; i < 60; ++i) {
      const char letter = static_cast<char>('a' + i % 26);
      std::fill(buffer.begin(), buffer.end(), letter);
      ends->first.SetWriteDeadline(
          runtime.After(std::chrono::microseconds(20 * (i % 7))));
      const IoResult put = co_await ends->first.Write(buffer);
      EXPECT_TRUE(put.ok() || put.status.timeout()) << put.status.ToString();
      EXPECT_TRUE(!put.ok() || put.bytes == buffer.size());
      said.append(put.bytes, letter);
    }
    co_await ends->first.Close();
    const std::string received = co_await std::move(receiver);
    EXPECT_EQ(received.size(), said.size());
    EXPECT_TRUE(received == said);
  });
}

TEST_P(DisturbanceTest, PipesClosedUnderATransferEndIt) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto use = [](Descriptor& end, bool write) -> Task<IoStatus> {
      std::array<char, 512> buffer{};
      for (;;) {
        const IoResult result =
            write ? co_await end.Write({buffer.data(), buffer.size()})
                  : co_await end.Read(buffer);
        if (!result.ok() || result.bytes == 0) co_return result.status;
      }
    };
    for (int round = 0; round < 60; ++round) {
      auto pipe = Descriptor::Pipe(runtime);
      EXPECT_TRUE(pipe.ok()) << pipe.status();
      if (!pipe.ok()) co_return;
      JoinHandle<IoStatus> reader = runtime.Spawn(use(pipe->read, false));
      JoinHandle<IoStatus> writer = runtime.Spawn(use(pipe->write, true));
      for (int i = 0; i < round; ++i) co_await runtime.Yield();
      const bool reader_first = round % 2 == 0;
      EXPECT_TRUE(
          (co_await (reader_first ? pipe->read : pipe->write).Close()).ok());
      const IoStatus read = co_await std::move(reader);
      const IoStatus written = co_await std::move(writer);
      if (reader_first) {
        EXPECT_TRUE(read.closing()) << read.ToString();
        EXPECT_EQ(written.error_number(), EPIPE);
      } else {
        EXPECT_TRUE(read.ok()) << "the end of the stream";
        EXPECT_TRUE(written.closing()) << written.ToString();
      }
    }
  });
}

}  // namespace
}  // namespace netpoll
