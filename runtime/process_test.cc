// SPDX-License-Identifier: Apache-2.0
//
// The process is the user's: children of fork that end, and standard input,
// output and error that are closed.

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tests/conformance/child.h"

namespace {

bool is_child = false;

}  // namespace

// The address sanitizer asks when the process ends: what a child leaves behind
// is its parent's.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return is_child ? 1 : 0; }

namespace netpoll {
namespace {

constexpr unsigned kWatchdogSeconds = 60;

using conformance::ChildEnd, conformance::InChild;

class ProcessTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    Runtime trial({.backend = GetParam()});
    if (!trial.status().ok()) GTEST_SKIP() << trial.status();
    ::alarm(kWatchdogSeconds);
  }
  void TearDown() override { ::alarm(0); }
};
INSTANTIATE_TEST_SUITE_P(Backends, ProcessTest,
                         testing::ValuesIn(HostBackends::Names()),
                         [](const auto& test) { return test.param; });

// All that a server has.
struct Server {
  explicit Server(const std::string& backend) : runtime({.backend = backend}) {}

  static Task<void> Echo(Socket& socket) {
    std::array<char, 16> buffer{};
    for (;;) {
      const IoResult got = co_await socket.Read(buffer);
      if (!got.ok() || got.bytes == 0) co_return;
      (void)co_await socket.Write({buffer.data(), got.bytes});
    }
  }

  Runtime runtime;
  std::optional<Listener> listener;
  Socket client;
};

// With a connection whose task is parked, whose end is a plain descriptor.
class Served {
 public:
  using During = std::function<void(std::unique_ptr<Server>&)>;

  explicit Served(const std::string& backend)
      : server_(std::make_unique<Server>(backend)) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/socket";
    auto listener = Listener::Listen(server_->runtime,
                                     *SocketAddress::Parse("unix:" + path_));
    EXPECT_TRUE(listener.ok()) << listener.status();
    server_->listener = *std::move(listener);
    auto ends = Socket::Pair(server_->runtime);
    EXPECT_TRUE(ends.ok()) << ends.status();
    server_->client = std::move(ends->first);
    other_ = std::move(ends->second);
  }

  ~Served() {
    other_ = Socket();
    server_.reset();
    ::rmdir(folder_.c_str());
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  // Lets `during` happen while the task is parked. Then a byte is echoed.
  void Run(const During& during) {
    Runtime& runtime = server_->runtime;
    runtime.Spawn(Server::Echo(server_->client));
    runtime.Spawn([](Served& self, const During& act) -> Task<void> {
      // The other task runs and parks.
      for (int i = 0; i < 10; ++i) co_await self.server_->runtime.Yield();
      act(self.server_);
      std::array<char, 4> buffer{};
      EXPECT_TRUE((co_await self.other_.Write("x")).ok());
      const IoResult got = co_await self.other_.Read(buffer);
      EXPECT_EQ(got.bytes, 1u);
      EXPECT_TRUE((co_await self.other_.Close()).ok());
    }(*this, during));
    EXPECT_TRUE(runtime.Run().ok());
  }

  bool FileIsThere() const {
    struct stat file;
    return ::lstat(path_.c_str(), &file) == 0;
  }
  std::unique_ptr<Server>& server() { return server_; }

 private:
  // Short enough for an address, and nobody else's: the number of a process is
  // another's too, in another container.
  std::string folder_ = "/tmp/netpoll_XXXXXX";
  std::string path_;
  std::unique_ptr<Server> server_;
  Socket other_;
};

TEST_P(ProcessTest, AChildThatEndsAllItHasDisturbsNobody) {
  Served served(GetParam());
  served.Run([&](std::unique_ptr<Server>& server) {
    const ChildEnd end = InChild([&] {
      const int fd = server->client.fd();
      server.reset();
      // Its copies are closed: the peer sees the end when the parent closes.
      if (::fcntl(fd, F_GETFD) != -1) ::_exit(3);
    });
    EXPECT_TRUE(end.Exited(0)) << end.status;
    EXPECT_EQ(end.said, "");
    EXPECT_TRUE(served.FileIsThere());
  });
  EXPECT_TRUE(served.FileIsThere());
  served.server().reset();
  EXPECT_FALSE(served.FileIsThere());
}

// The destructors of static objects run then.
TEST_P(ProcessTest, AChildMayExit) {
  static std::vector<std::unique_ptr<Runtime>> all;
  all.push_back(
      std::make_unique<Runtime>(RuntimeOptions{.backend = GetParam()}));
  Runtime& runtime = *all.back();
  runtime.Spawn([](Runtime& in) -> Task<void> {
    auto ends = Socket::Pair(in);
    EXPECT_TRUE(ends.ok());
    const ChildEnd end = InChild([] {
      is_child = true;
      std::exit(7);
    });
    EXPECT_TRUE(end.Exited(7)) << end.status;
    EXPECT_EQ(end.said, "");
    co_return;
  }(runtime));
  EXPECT_TRUE(runtime.Run().ok());
}

TEST_P(ProcessTest, AChildThatUsesTheParentsRuntimeIsRefusedInOneSentence) {
  Runtime runtime({.backend = GetParam()});
  auto ends = Socket::Pair(runtime);
  ASSERT_TRUE(ends.ok());
  const std::function<void()> kUses[] = {
      [&] { static_cast<void>(runtime.Run()); },
      [&] { runtime.Spawn([]() -> Task<void> { co_return; }()); },
      [&] { static_cast<void>(Socket::Pair(runtime)); },
      [&] { runtime.Stop(); },
  };
  for (const auto& use : kUses) {
    const ChildEnd end = InChild(use);
    EXPECT_TRUE(end.Aborted()) << end.status;
    EXPECT_NE(end.said.find("netpoll: a child of fork used"), std::string::npos)
        << end.said;
    EXPECT_EQ(end.said.find('\n'), end.said.size() - 1) << end.said;
  }
}

// The handle is gone all the same.
TEST_P(ProcessTest, ACloseOfWhatSomebodyElseClosedSaysSo) {
  Runtime runtime({.backend = GetParam()});
  runtime.Spawn([](Runtime& in) -> Task<void> {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()),
              0);
    auto socket = *Socket::Adopt(in, ends[0]);
    ::close(ends[0]);
    const IoStatus status = co_await socket.Close();
    EXPECT_EQ(status, IoStatus::FromErrno(EBADF)) << status.ToString();
    EXPECT_TRUE((co_await socket.Close()).closing());
    ::close(ends[1]);
  }(runtime));
  EXPECT_TRUE(runtime.Run().ok());
}

// ... also what the poller alone met: the number is another file's.
TEST_P(ProcessTest, ACloseOfWhatSomebodyElseReplacedSaysWhatThePollerMet) {
  if (GetParam() != "epoll") GTEST_SKIP() << "it can't tell files by number";
  Runtime runtime({.backend = GetParam()});
  runtime.Spawn([](Runtime& in) -> Task<void> {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()),
              0);
    auto socket = *Socket::Adopt(in, ends[0]);
    EXPECT_EQ(::dup2(ends[1], ends[0]), ends[0]);
    const IoStatus status = co_await socket.Close();
    EXPECT_EQ(status, IoStatus::FromErrno(ENOENT)) << status.ToString();
    EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1) << "it is closed";
    ::close(ends[1]);
  }(runtime));
  EXPECT_TRUE(runtime.Run().ok());
}

// One byte through TCP, a pair and a pipe, all of them new.
Task<void> UseEverything(Runtime& runtime, bool& right) {
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  if (!listener.ok()) co_return;
  auto client = co_await Socket::Connect(runtime, listener->address());
  AcceptResult accepted = co_await listener->Accept();
  auto ends = Socket::Pair(runtime);
  auto pipe = Descriptor::Pipe(runtime);
  if (!client.ok() || !accepted.ok() || !ends.ok() || !pipe.ok()) co_return;
  // Who prints, prints to nobody.
  for (int fd = 0; fd < 3; ++fd) static_cast<void>(::write(fd, "", 0));
  const std::pair<Descriptor*, Descriptor*> kWays[] = {
      {&*client, &accepted.socket},
      {&ends->first, &ends->second},
      {&pipe->write, &pipe->read}};
  for (const auto& [from, to] : kWays) {
    std::array<char, 4> buffer{};
    if (!(co_await from->Write("x")).ok()) co_return;
    if ((co_await to->Read(buffer)).bytes != 1) co_return;
  }
  right = true;
}

TEST_P(ProcessTest, NothingOfItIsStandardInputOutputOrError) {
  for (unsigned closed = 0; closed < 8; ++closed) {
    const ChildEnd end = InChild([&] {
      for (int fd = 0; fd < 3; ++fd) {
        if ((closed >> fd & 1) != 0) ::close(fd);
      }
      Runtime runtime({.backend = GetParam()});
      bool right = false;
      runtime.Spawn([](Runtime& in, bool& used, unsigned free) -> Task<void> {
        auto before = Socket::Pair(in);
        co_await UseEverything(in, used);
        // While something is open.
        for (int fd = 0; fd < 3; ++fd) {
          const bool open = ::fcntl(fd, F_GETFD) >= 0;
          used = used && open == ((free >> fd & 1) == 0);
        }
      }(runtime, right, closed));
      ::_exit(runtime.Run().ok() && right ? 0 : 1);
    });
    EXPECT_TRUE(end.Exited(0)) << closed << ": " << end.status;
  }
}

// From here on every call of epoll_create1 is ENOSYS.
void TakeEpollAway() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_epoll_create1, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    ::_exit(2);
  }
}

TEST(DefaultBackendTest, IsTheFirstThatTheSystemHas) {
  const ChildEnd end = InChild([] {
    ::unsetenv("NETPOLL_BACKEND");
    if (Runtime().backend() != HostBackends::Names().front()) ::_exit(3);
    TakeEpollAway();
    Runtime runtime;
    bool right = false;
    runtime.Spawn(UseEverything(runtime, right));
    const bool ran = runtime.status().ok() && runtime.Run().ok() && right;
    ::_exit(ran && runtime.backend() != HostBackends::Names().front() ? 0 : 1);
  });
  EXPECT_TRUE(end.Exited(0)) << end.status << end.said;
}

// Leaves the process one descriptor: a ring would get by with it.
void LeaveOneDescriptor() {
  const int lowest = ::dup(STDERR_FILENO);
  const auto limit = static_cast<rlim_t>(lowest) + 1;
  const rlimit limits{limit, limit};
  if (lowest < 0 || ::close(lowest) != 0 ||
      ::setrlimit(RLIMIT_NOFILE, &limits) != 0) {
    ::_exit(2);
  }
}

TEST(DefaultBackendTest, IsNoOtherForWantOfDescriptors) {
  const ChildEnd end = InChild([] {
    ::unsetenv("NETPOLL_BACKEND");
    LeaveOneDescriptor();
    const Runtime runtime;
    const bool preferred = runtime.backend() == HostBackends::Names().front();
    ::_exit(preferred && !runtime.status().ok() ? 0 : 1);
  });
  EXPECT_TRUE(end.Exited(0)) << end.status << end.said;
}

}  // namespace
}  // namespace netpoll
