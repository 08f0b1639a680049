// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/server/client_log.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <ctime>

#include "netpoll/backends/posix/above_stdio.h"

namespace netpoll::server {
namespace {

unsigned long long Number(const Counter& counter) {
  return static_cast<std::uint64_t>(counter);
}

}  // namespace

ClientLog::~ClientLog() {
  if (fd_ >= 0) ::close(fd_);
}

int ClientLog::Open(const std::string& path) {
  path_ = path;
  const int fd = AboveStdio(
      ::open(path.c_str(),
             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
  if (fd < 0) return errno;
  const int old = fd_;
  if (old < 0) {
    fd_ = fd;
    return 0;
  }
  // The number stays, for whoever is just writing.
  const bool moved = ::dup3(fd, old, O_CLOEXEC) >= 0;
  const int error = errno;
  ::close(fd);
  return moved ? 0 : error;
}

void ClientLog::Add(const std::string& peer, const ClientCounts& counts,
                    double seconds) {
  if (fd_ < 0) return;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  char line[512];
  const int size = std::snprintf(
      line, sizeof line,
      "%s %.300s %llu messages %llu in %llu out %.3f s%s%s\n", time,
      peer.c_str(), Number(counts.messages), Number(counts.bytes_in),
      Number(counts.bytes_out), seconds, counts.timeouts > 0 ? " timeout" : "",
      counts.errors > 0 ? " error" : "");
  const auto whole = static_cast<std::size_t>(size);
  if (::write(fd_, line, whole) != static_cast<ssize_t>(whole)) ++dropped_;
}

}  // namespace netpoll::server
