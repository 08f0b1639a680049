// SPDX-License-Identifier: Apache-2.0
//
// Bytes that go from one descriptor to another by splice(2), through a pipe,
// without passing through the program.
//
//   SpliceResult all = co_await Forward(client, server);   // until its end
//
//   auto pipe = SplicePipe::Make();                        // or a part
//   SpliceResult body = co_await pipe->Move(client, server, content_length);
//
// What a SplicePipe has taken from the one and the other has not accepted yet
// stays in it, whatever ends a Move (a deadline, a cancellation, an error): the
// next Move begins with it. So no byte is lost, and none counted that has not
// arrived.

#ifndef NETPOLL_RUNTIME_SPLICE_H_
#define NETPOLL_RUNTIME_SPLICE_H_

#include "netpoll/core/cpp20.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

// The two that bytes are moved between.
enum class SpliceEnd : std::uint8_t { kFrom, kTo };

struct [[nodiscard]] SpliceResult {
  // That have reached `to` by this call.
  std::size_t bytes = 0;
  IoStatus status;
  // If not ok: whose error that is.
  SpliceEnd failed = SpliceEnd::kFrom;
  // `from` has ended, and all of it has reached `to`.
  bool ended = false;

  bool ok() const { return status.ok(); }
};

// A pipe to splice through: two descriptors, and up to `capacity` bytes of the
// system's memory while it holds any. For one task at a time; one direction of
// a connection, and any number of pairs one after the other.
class SplicePipe {
 public:
  static constexpr std::size_t kEverything =
      std::numeric_limits<std::size_t>::max();

  // The pipe has room for `capacity` bytes, if the system grants it; 0: for
  // what it gives unasked, 64 KiB most often. EMFILE, ENFILE: no descriptors.
  static absl::StatusOr<SplicePipe> Make(std::size_t capacity = 0);

  SplicePipe(SplicePipe&& other) noexcept
      : read_(std::exchange(other.read_, -1)),
        write_(std::exchange(other.write_, -1)),
        piped_(std::exchange(other.piped_, 0)),
        copied_(std::exchange(other.copied_, 0)),
        begin_(std::exchange(other.begin_, 0)),
        buffer_(std::move(other.buffer_)) {}
  SplicePipe& operator=(SplicePipe&&) = delete;
  // What it holds is lost.
  ~SplicePipe();

  // co_await: moves what `from` gives to `to`, what is held first, until `from`
  // has ended or `most` bytes have reached `to`; or why not. No more than
  // `most` are taken from `from`, either. Streams: sockets, pipes; of messages:
  // EINVAL. Neither is closed or shut down. What the system can't splice is
  // copied instead.
  Task<SpliceResult> Move(Descriptor& from, Descriptor& to,
                          std::size_t most = kEverything);

  // Taken from a `from`, and not yet accepted by a `to`.
  std::size_t held() const { return piped_ + copied_; }
  // Takes of that, in order, into `buffer`; how many bytes.
  std::size_t Take(std::span<char> buffer);

 private:
  friend Task<SpliceResult> Forward(Descriptor& from, Descriptor& to);

  static constexpr std::size_t kBuffer = 16 << 10;

  SplicePipe() = default;
  int Open();  // 0 or an errno.
  // What can't be spliced: as FillPipeOp and EmptyPipeOp.
  Task<IoResult> CopyIn(Descriptor& from, std::size_t most);
  Task<IoResult> CopyOut(Descriptor& to, std::size_t most);
  int ReadPipe(std::span<char> into, std::size_t* bytes);
  char* Buffer();

  int read_ = -1;
  int write_ = -1;
  // Bytes in the pipe; and before them those in the buffer, from `begin_` on,
  // which were copied.
  std::size_t piped_ = 0;
  std::size_t copied_ = 0;
  std::size_t begin_ = 0;
  std::unique_ptr<char[]> buffer_;  // Made when it is needed.
};

// The same, all of it, with a pipe of its own. Whatever it held when it ended
// otherwise is lost.
Task<SpliceResult> Forward(Descriptor& from, Descriptor& to);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SPLICE_H_
