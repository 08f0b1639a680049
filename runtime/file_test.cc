// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that are not sockets: named pipes and terminals.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class FileTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(FileTest);

Task<IoResult> ReadSome(Descriptor& descriptor) {
  std::array<char, 16> buffer;
  co_return co_await descriptor.Read(buffer);
}

// The reader of a named pipe sees its end when the writer closes, also when it
// was parked before the data came (row E1 the other way round).
TEST_P(FileTest, ANamedPipeEndsForItsReader) {
  char folder[] = "/tmp/netpollXXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int in = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int out = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  RunTest(threads(), [in, out](Runtime& runtime) -> Task<> {
    auto reader = Descriptor::Adopt(runtime, in);
    auto writer = Descriptor::Adopt(runtime, out);
    EXPECT_TRUE(reader.ok() && writer.ok());
    JoinHandle<IoResult> first = runtime.Spawn(ReadSome(*reader));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await writer->Write("abc")).ok());
    EXPECT_EQ((co_await std::move(first)).bytes, 3u);
    JoinHandle<IoResult> end = runtime.Spawn(ReadSome(*reader));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await writer->Close()).ok());
    const IoResult got = co_await std::move(end);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 0u);
  });
  ::unlink(path.c_str());
  ::rmdir(folder);
}

// A writer that waits for room learns that its reader is gone (row E1).
TEST_P(FileTest, AParkedWriterOfAPipeLearnsThatItsReaderIsGone) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = Descriptor::Pipe(runtime);
    auto write = [](Descriptor& end) -> Task<IoResult> {
      const std::string data(1 << 20, 'x');
      co_return co_await end.Write(data);
    };
    JoinHandle<IoResult> writer = runtime.Spawn(write(pipe->write));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await pipe->read.Close()).ok());
    EXPECT_EQ((co_await std::move(writer)).status.error_number(), EPIPE);
  });
}

// A device that has nothing to wait on until it is set up: epoll and poll would
// take it and report an error at once, a ring's poll of it is over at once.
TEST_P(FileTest, ADeviceThatIsNotSetUpIsRefusedOnEveryBackend) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "this machine has no tun device to open";
  RunTest(threads(), [fd](Runtime& runtime) -> Task<> {
    const auto opened = Descriptor::Adopt(runtime, fd);
    EXPECT_NE(opened.status().message().find("not set up"), std::string::npos)
        << opened.status();
    co_return;
  });
  ::close(fd);
}

// Urgent news is no direction: see docs/sockets.md.
TEST_P(FileTest, UrgentNewsIsAwaitedThroughAnEpollDescriptor) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener =
        Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
    auto sender = co_await Socket::Connect(runtime, listener->address());
    AcceptResult receiver = co_await listener->Accept();
    const int urgent = ::epoll_create1(EPOLL_CLOEXEC);
    EXPECT_EQ(::fcntl(urgent, F_SETFL, O_NONBLOCK), 0);
    receiver.socket.WithFd([urgent](int fd) {
      epoll_event event{.events = EPOLLPRI, .data = {}};
      EXPECT_EQ(::epoll_ctl(urgent, EPOLL_CTL_ADD, fd, &event), 0);
    });
    auto news = Descriptor::Adopt(runtime, urgent);
    EXPECT_TRUE(news.ok()) << news.status();
    if (!news.ok()) co_return;
    for (int round = 0; round < 3; ++round) {
      // What is there to read is no news.
      EXPECT_TRUE((co_await sender->Write("abc")).ok());
      EXPECT_TRUE((co_await receiver.socket.WaitReadable()).ok());
      news->SetReadDeadline(runtime.After(1ms));
      EXPECT_TRUE((co_await news->WaitReadable()).timeout());
      news->SetReadDeadline(Deadline::None());
      auto told = runtime.Spawn([](Descriptor& waits) -> Task<IoStatus> {
        co_return co_await waits.WaitReadable();
      }(*news));
      co_await runtime.Yield();
      sender->WithFd([](int fd) { EXPECT_EQ(::send(fd, "!", 1, MSG_OOB), 1); });
      EXPECT_TRUE((co_await sender->Write("def")).ok());
      const IoStatus status = co_await std::move(told);
      EXPECT_TRUE(status.ok()) << status.ToString();
      // Past the urgent byte, which is no part of the stream.
      std::size_t read = 0;
      while (read < 6) {
        std::array<char, 16> buffer;
        const IoResult got = co_await receiver.socket.Read(buffer);
        EXPECT_TRUE(got.ok() && got.bytes > 0);
        if (!got.ok() || got.bytes == 0) co_return;
        read += got.bytes;
      }
    }
  });
}

TEST_P(FileTest, CloseEndsAReadOfATerminal) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) GTEST_SKIP() << "this machine has no pseudo-terminals";
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  char name[64];
  ASSERT_EQ(::ptsname_r(master, name, sizeof(name)), 0);
  const int terminal = ::open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  RunTest(threads(), [terminal](Runtime& runtime) -> Task<> {
    auto opened = Descriptor::Adopt(runtime, terminal);
    EXPECT_TRUE(opened.ok()) << opened.status();
    JoinHandle<IoResult> reader = runtime.Spawn(ReadSome(*opened));
    while (runtime.stats().parked == 0) co_await runtime.Yield();
    EXPECT_TRUE((co_await opened->Close()).ok());
    EXPECT_TRUE((co_await std::move(reader)).status.closing());
  });
  ::close(master);
}

}  // namespace
}  // namespace netpoll
