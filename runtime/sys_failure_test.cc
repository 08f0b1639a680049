// SPDX-License-Identifier: Apache-2.0
//
// Each system call of the runtime fails in turn with each error that its manual
// page lists: the operation tells it, an interrupted call is made again, and
// nothing leaks (RunTest counts the descriptors).

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using internal::sys;

// The next `times` calls of what is replaced fail with `error`.
struct Script {
  int error = 0;
  int times = 0;
  int calls = 0;
};
Script script;

// True: this call fails.
bool Fails() {
  ++script.calls;
  if (script.times == 0) return false;
  --script.times;
  errno = script.error;
  return true;
}

// A replacement for the entry `kEntry` of the table: fails by the script, else
// calls what was there.
const internal::Sys real;
template <auto kEntry>
struct Failing;
template <class Result, class... Args,
          Result (*internal::Sys::*kEntry)(Args...)>
struct Failing<kEntry> {
  static Result Call(Args... args) {
    return Fails() ? Result{-1} : (real.*kEntry)(args...);
  }
  static void Install() { sys.*kEntry = &Call; }
};

class SysFailureTest : public testing::Test {
 protected:
  ~SysFailureTest() override { script = {}; }

 private:
  const internal::SysOverride restore_;
};

// `operate` says how one operation went on a pair of connected sockets.
template <auto kEntry, class Operate>
void ExpectToldAndInterruptionsPassedOver(std::vector<int> errors,
                                          Operate operate) {
  Failing<kEntry>::Install();
  for (const int error : errors) {
    RunTest(1, [&](Runtime& runtime) -> Task<> {
      auto ends = *Socket::Pair(runtime);
      script = {.error = error, .times = 1};
      const IoStatus status = co_await operate(ends);
      EXPECT_EQ(status, IoStatus::FromErrno(error)) << ErrnoName(error);
      EXPECT_EQ(script.calls, 1) << "it was tried again";
    });
  }
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    script = {.error = EINTR, .times = 5};
    const IoStatus status = co_await operate(ends);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_GE(script.calls, 6);
  });
  script = {};
}

const std::vector<int> kReadErrors = {
    EBADF,     EFAULT, EINVAL,  EIO,   EISDIR,    ECONNRESET, ENOTCONN,
    ETIMEDOUT, ENOMEM, ENOBUFS, ENXIO, ECANCELED, EOVERFLOW};
const std::vector<int> kWriteErrors = {
    EBADF,  EDESTADDRREQ, EDQUOT, EFAULT,       EFBIG,      EINVAL,
    EIO,    ENOSPC,       EPERM,  EPIPE,        ENOBUFS,    ECONNRESET,
    ENOMEM, ENETDOWN,     EACCES, EHOSTUNREACH, ENETUNREACH};

TEST_F(SysFailureTest, Read) {
  ExpectToldAndInterruptionsPassedOver<&internal::Sys::read>(
      kReadErrors, [](Socket::Ends& ends) -> Task<IoStatus> {
        (void)::write(ends.first.fd(), "x", 1);
        std::array<char, 8> buffer;
        co_return (co_await ends.second.Read(buffer)).status;
      });
}

TEST_F(SysFailureTest, Readv) {
  ExpectToldAndInterruptionsPassedOver<&internal::Sys::readv>(
      kReadErrors, [](Socket::Ends& ends) -> Task<IoStatus> {
        (void)::write(ends.first.fd(), "x", 1);
        std::array<char, 8> buffer;
        const std::array<iovec, 1> parts{iovec{buffer.data(), buffer.size()}};
        co_return (co_await ends.second.Readv(parts)).status;
      });
}

TEST_F(SysFailureTest, Write) {
  ExpectToldAndInterruptionsPassedOver<&internal::Sys::send>(
      kWriteErrors, [](Socket::Ends& ends) -> Task<IoStatus> {
        co_return (co_await ends.first.Write("x")).status;
      });
}

TEST_F(SysFailureTest, Writev) {
  ExpectToldAndInterruptionsPassedOver<&internal::Sys::sendmsg>(
      kWriteErrors, [](Socket::Ends& ends) -> Task<IoStatus> {
        std::string text = "x";
        std::array<iovec, 1> parts{iovec{text.data(), text.size()}};
        co_return (co_await ends.first.Writev(parts)).status;
      });
}

TEST_F(SysFailureTest, PollOfAWaitForReadiness) {
  ExpectToldAndInterruptionsPassedOver<&internal::Sys::poll>(
      {EFAULT, EINVAL, ENOMEM}, [](Socket::Ends& ends) -> Task<IoStatus> {
        co_return co_await ends.first.WaitWritable();
      });
}

TEST_F(SysFailureTest, AcceptTellsWhatItsCallerCanMend) {
  Failing<&internal::Sys::accept4>::Install();
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL,
                          EOPNOTSUPP, EPERM, EPROTO}) {
    RunTest(1, [error](Runtime& runtime) -> Task<> {
      auto listener = *Listener::Listen(runtime, Loopback());
      script = {.error = error, .times = 1};
      const AcceptResult failed = co_await listener.Accept();
      EXPECT_EQ(failed.status, IoStatus::FromErrno(error));
      EXPECT_FALSE(failed.socket.valid());
      // The listener is as before.
      auto client = co_await Socket::Connect(runtime, listener.address());
      EXPECT_TRUE(client.ok()) << client.status();
      EXPECT_TRUE((co_await listener.Accept()).ok());
    });
  }
}

TEST_F(SysFailureTest, AcceptPassesOverWhatIsGone) {
  Failing<&internal::Sys::accept4>::Install();
  for (const int error : {EINTR, ECONNABORTED}) {
    RunTest(1, [error](Runtime& runtime) -> Task<> {
      auto listener = *Listener::Listen(runtime, Loopback());
      auto client = co_await Socket::Connect(runtime, listener.address());
      script = {.error = error, .times = 4};
      EXPECT_TRUE((co_await listener.Accept()).ok());
    });
  }
}

TEST_F(SysFailureTest, ConnectTellsItsError) {
  Failing<&internal::Sys::connect>::Install();
  for (const int error :
       {EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF,
        ECONNREFUSED, EFAULT, ENETUNREACH, ENOTSOCK, EPROTOTYPE, ETIMEDOUT,
        EHOSTUNREACH, ENOBUFS}) {
    RunTest(1, [error](Runtime& runtime) -> Task<> {
      script = {.error = error, .times = 1};
      const auto socket = co_await Socket::Connect(runtime, Loopback());
      EXPECT_NE(socket.status().message().find(ErrnoName(error)),
                std::string::npos)
          << socket.status();
      EXPECT_NE(socket.status().code(), absl::StatusCode::kDeadlineExceeded);
    });
  }
}

// POSIX: an interrupted connect goes on by itself.
TEST_F(SysFailureTest, AConnectThatASignalInterruptsGoesOn) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
      (void)::connect(fd, to, size);
      errno = EINTR;
      return -1;
    };
    const auto socket = co_await Socket::Connect(runtime, listener.address());
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_TRUE((co_await listener.Accept()).ok());
  });
}

TEST_F(SysFailureTest, AUnixConnectThatASignalInterruptsIsMadeAgain) {
  Failing<&internal::Sys::connect>::Install();
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(
        runtime, *SocketAddress::Parse("unix:@netpoll-sys-" +
                                       std::to_string(::getpid())));
    script = {.error = EINTR, .times = 3};
    const auto socket = co_await Socket::Connect(runtime, listener.address());
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_TRUE((co_await listener.Accept()).ok());
  });
}

int pending_error = 0;
int PendingError(int fd, int level, int option, void* value, socklen_t* size) {
  const int result = ::getsockopt(fd, level, option, value, size);
  if (option == SO_ERROR) *static_cast<int*>(value) = pending_error;
  return result;
}

// What the system finds out later: its own patience is no deadline of ours.
TEST_F(SysFailureTest, AConnectThatFailsLaterTellsItsError) {
  sys.getsockopt = &PendingError;
  sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    (void)::connect(fd, to, size);
    errno = EINPROGRESS;
    return -1;
  };
  for (const int error : {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH}) {
    pending_error = error;
    RunTest(1, [error](Runtime& runtime) -> Task<> {
      auto listener = *Listener::Listen(runtime, Loopback());
      const auto socket = co_await Socket::Connect(
          runtime, listener.address(), runtime.After(std::chrono::seconds(60)));
      EXPECT_NE(socket.status().message().find(ErrnoName(error)),
                std::string::npos)
          << socket.status();
      EXPECT_NE(socket.status().code(), absl::StatusCode::kDeadlineExceeded);
    });
  }
}

// Whatever makes descriptors: an error of any of its calls leaves none behind.
template <auto kEntry, class Make>
void ExpectNothingLeftBehind(std::vector<int> errors, Make make) {
  Failing<kEntry>::Install();
  for (const int error : errors) {
    RunTest(1, [&](Runtime& runtime) -> Task<> {
      script = {.error = error, .times = 1};
      const absl::Status status = make(runtime);
      EXPECT_NE(status.message().find(ErrnoName(error)), std::string::npos)
          << status;
      co_return;
    });
  }
  script = {};
}

TEST_F(SysFailureTest, Socket) {
  ExpectNothingLeftBehind<&internal::Sys::socket>(
      {EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM,
       EPROTONOSUPPORT},
      [](Runtime& runtime) {
        return Listener::Listen(runtime, Loopback()).status();
      });
}
TEST_F(SysFailureTest, Bind) {
  ExpectNothingLeftBehind<&internal::Sys::bind>(
      {EACCES, EADDRINUSE, EBADF, EINVAL, ENOTSOCK, EADDRNOTAVAIL, ENOMEM},
      [](Runtime& runtime) {
        return Listener::Listen(runtime, Loopback()).status();
      });
}
TEST_F(SysFailureTest, BindOfDatagrams) {
  ExpectNothingLeftBehind<&internal::Sys::bind>(
      {EACCES, EADDRINUSE, ENOMEM}, [](Runtime& runtime) {
        return DatagramSocket::Bind(runtime, Loopback()).status();
      });
}
TEST_F(SysFailureTest, Listen) {
  ExpectNothingLeftBehind<&internal::Sys::listen>(
      {EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP}, [](Runtime& runtime) {
        return Listener::Listen(runtime, Loopback()).status();
      });
}
TEST_F(SysFailureTest, Socketpair) {
  ExpectNothingLeftBehind<&internal::Sys::socketpair>(
      {EAFNOSUPPORT, EFAULT, EMFILE, ENFILE, EOPNOTSUPP},
      [](Runtime& runtime) { return Socket::Pair(runtime).status(); });
}
TEST_F(SysFailureTest, Pipe) {
  ExpectNothingLeftBehind<&internal::Sys::pipe2>(
      {EFAULT, EINVAL, EMFILE, ENFILE},
      [](Runtime& runtime) { return Descriptor::Pipe(runtime).status(); });
}
TEST_F(SysFailureTest, Shutdown) {
  Failing<&internal::Sys::shutdown>::Install();
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    script = {.error = ENOTCONN, .times = 1};
    EXPECT_EQ(ends.first.ShutdownWrite(), IoStatus::FromErrno(ENOTCONN));
    EXPECT_TRUE(ends.first.ShutdownWrite().ok());
    co_return;
  });
}

// The descriptor is gone, it is not closed twice; that it was interrupted is no
// news, another error is told.
template <int kError>
int CloseAndFail(int fd) {
  ++script.calls;
  (void)::close(fd);
  errno = kError;
  return -1;
}
TEST_F(SysFailureTest, AnErrorOfCloseIsToldAndIsNoReasonToCloseAgain) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    script = {};
    sys.close = &CloseAndFail<EINTR>;
    EXPECT_TRUE((co_await ends.first.Close()).ok());
    EXPECT_EQ(script.calls, 1);
    sys.close = &CloseAndFail<EIO>;
    EXPECT_EQ(co_await ends.second.Close(), IoStatus::FromErrno(EIO));
    EXPECT_EQ(script.calls, 2);
    EXPECT_TRUE((co_await ends.second.Close()).closing());
  });
}

// What the poller met, when the descriptor was replaced, comes before that.
TEST_F(SysFailureTest, OfTwoErrorsOfACloseTheFirstIsTold) {
  IoStatus of_poller;
  for (const bool second : {false, true}) {
    RunTest(1, [&](Runtime& runtime) -> Task<> {
      auto ends = *Socket::Pair(runtime);
      const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      EXPECT_EQ(::dup2(other, ends.first.fd()), ends.first.fd());
      ::close(other);
      if (second) sys.close = &CloseAndFail<EIO>;
      const IoStatus told = co_await ends.first.Close();
      if (!second) of_poller = told;
      const IoStatus first =
          of_poller.ok() && second ? IoStatus::FromErrno(EIO) : of_poller;
      EXPECT_EQ(told, first) << told.ToString();
      sys.close = &::close;
    });
  }
}

// --- What an errno is called -------------------------------------------------

TEST(IoStatusTest, TheSystemsPatienceIsNotTheDeadline) {
  const IoStatus system = IoStatus::FromErrno(ETIMEDOUT);
  const IoStatus own = IoStatus::FromPoll(PollError::kTimeout);
  EXPECT_FALSE(system.timeout());
  EXPECT_TRUE(own.timeout());
  EXPECT_EQ(own.error_number(), 0);
  EXPECT_EQ(ToStatus(system).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ToStatus(own).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(system.ToString(), own.ToString());
}

TEST(IoStatusTest, ACanceledCallIsNotAClose) {
  const IoStatus system = IoStatus::FromErrno(ECANCELED);
  const IoStatus own = IoStatus::FromPoll(PollError::kClosing);
  EXPECT_FALSE(system.closing());
  EXPECT_EQ(ToStatus(system).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ToStatus(own).code(), absl::StatusCode::kCancelled);
}

TEST(IoStatusTest, NoErrnoIsTakenForAnEndOfTheRuntimesOwn) {
  for (int error = 1; error < 134; ++error) {
    const IoStatus status = IoStatus::FromErrno(error);
    EXPECT_FALSE(status.ok() || status.timeout() || status.closing());
    const absl::Status told = ToStatus(status);
    EXPECT_NE(told.code(), absl::StatusCode::kDeadlineExceeded) << error;
    EXPECT_NE(told.code(), absl::StatusCode::kCancelled) << error;
    EXPECT_NE(told.message().find(ErrnoName(error)), std::string::npos);
  }
}

}  // namespace
}  // namespace netpoll
