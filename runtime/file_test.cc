// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that are not sockets: named pipes and terminals.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

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

// An event that is nothing but an error came before anybody waited: the reader
// is told, and does not wait for ever. A writer tries its call.
TEST_P(FileTest, AReaderIsToldOfAnErrorThatCameBefore) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "this machine has no tun device to open";
  RunTest(threads(), [fd](Runtime& runtime) -> Task<> {
    auto opened = Descriptor::Adopt(runtime, fd);
    // This device has nothing to wait on until it is set up, and a ring's poll
    // of such a one is over at once: it is refused, so nobody waits either.
    const bool refuses = std::string_view(runtime.backend()) == "io_uring";
    EXPECT_EQ(opened.ok(), !refuses) << opened.status();
    if (!opened.ok()) co_return;
    const auto told = [](IoStatus status) {
      return status.poll_error() == PollError::kNotPollable ||
             status.error_number() == EBADFD;
    };
    opened->SetDeadline(runtime.After(std::chrono::seconds(30)));
    for (int i = 0; i < 200; ++i) co_await runtime.Yield();
    EXPECT_TRUE(told((co_await ReadSome(*opened)).status));
    EXPECT_TRUE(told((co_await ReadSome(*opened)).status));
    EXPECT_EQ((co_await opened->Write("x")).status.error_number(), EBADFD);
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
