// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/bound_name.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {
namespace {

// Whether there is a socket at `path`: the name itself, not where it leads.
bool SocketAt(const std::string& path, struct stat* file) {
  return sys.lstat(path.c_str(), file) == 0 && S_ISSOCK(file->st_mode);
}

// Whether nobody is behind the address.
bool Refuses(const SocketAddress& address, int type) {
  const int fd = sys.socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool refused = sys.connect(fd, address.data(), address.size()) != 0 &&
                       errno == ECONNREFUSED;
  sys.close(fd);
  return refused;
}

bool Same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

std::string BoundName::Path(const SocketAddress& address) {
  std::string path = address.unix_path();
  if (path.empty() || path[0] == '/') return path;
  char folder[PATH_MAX];
  // A folder that is gone, or out of sight, has no absolute path.
  if (sys.getcwd(folder, sizeof(folder)) == nullptr || folder[0] != '/') {
    return "";
  }
  return absl::StrCat(folder, "/", path);
}

std::unique_ptr<BoundName> BoundName::Of(const SocketAddress& address,
                                         std::string path) {
  // Both names lead to it, unless the folder has changed meanwhile.
  struct stat file;
  struct stat bound;
  if (path.empty() || !SocketAt(path, &file) ||
      !SocketAt(address.unix_path(), &bound) || !Same(file, bound)) {
    return nullptr;
  }
  auto name = absl::WrapUnique(new BoundName);
  name->path_ = std::move(path);
  name->device_ = file.st_dev;
  name->inode_ = file.st_ino;
  name->process_ = sys.getpid();
  return name;
}

void BoundName::Remove() const {
  if (sys.getpid() != process_) return;
  struct stat file;
  if (SocketAt(path_, &file) && file.st_dev == device_ &&
      file.st_ino == inode_) {
    sys.unlink(path_.c_str());
  }
}

FolderLock::FolderLock(const SocketAddress& address) {
  const std::string path = address.unix_path();
  const std::size_t slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  fd_ = sys.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0 || sys.flock(fd_, LOCK_EX | LOCK_NB) != 0) error_ = errno;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) sys.close(fd_);
}

bool RemoveDead(const SocketAddress& address, int type) {
  const std::string path = address.unix_path();
  // Held: nothing else gets its inode meanwhile.
  const int file = sys.open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat before;
  struct stat after;
  bool removed = false;
  if (file >= 0 && sys.fstat(file, &before) == 0 && S_ISSOCK(before.st_mode) &&
      Refuses(address, type)) {
    removed = SocketAt(path, &after) && Same(before, after) &&
              sys.unlink(path.c_str()) == 0;
  }
  if (file >= 0) sys.close(file);
  return removed;
}

}  // namespace netpoll::internal
