// SPDX-License-Identifier: Apache-2.0
//
// A file with a line for each client that has left:
//
//   2026-03-01T12:00:00Z 192.0.2.7:51034 3 messages 120 in 318 out 0.052 s
//
// and then "timeout" or "error" if that ended it. Lines are appended whole, so
// that several servers may share a file. What can't be written at once (a pipe
// that nobody reads, a full disk) is dropped and counted.

#ifndef NETPOLL_TOOLS_SERVER_CLIENT_LOG_H_
#define NETPOLL_TOOLS_SERVER_CLIENT_LOG_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "netpoll/tools/server/counts.h"

namespace netpoll::server {

class ClientLog {
 public:
  ClientLog() = default;
  ~ClientLog();
  ClientLog(const ClientLog&) = delete;
  ClientLog& operator=(const ClientLog&) = delete;

  // 0, or an errno. Again, of the same file: what was renamed away is left.
  int Open(const std::string& path);
  int Reopen() { return Open(path_); }

  // Any thread. `seconds`: how long the client was there.
  void Add(const std::string& peer, const ClientCounts& counts, double seconds);

  std::uint64_t dropped() const { return dropped_.load(); }

 private:
  std::string path_;
  std::atomic<int> fd_{-1};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_CLIENT_LOG_H_
