// SPDX-License-Identifier: Apache-2.0
//
// BufferedReader: lines, records and exact numbers of bytes from a stream that
// gives what it has, over one buffer that is used again and again.
//
//   BufferedReader reader(socket);
//   for (;;) {
//     ReadResult line = co_await reader.ReadUntil("\r\n");
//     if (!line.ok()) co_return;
//     Use(line.data);              with its end; until the next call
//   }
//
// What is in the buffer already is answered without a system call, without
// suspending, and without an allocation. A call that must read on allocates one
// coroutine; who wants none looks with Buffered, Take and co_await Fill().
//
// Not for several tasks at a time. Close and deadlines are the stream's.

#ifndef NETPOLL_RUNTIME_BUFFERED_READER_H_
#define NETPOLL_RUNTIME_BUFFERED_READER_H_

#include "netpoll/core/cpp20.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "netpoll/runtime/byte_stream.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/suspend.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_waiter.h"

namespace netpoll {

// What was read, or why not. The bytes are the reader's, as they are until it
// is called again.
struct [[nodiscard]] ReadResult {
  std::string_view data;
  // ENODATA: the stream ended before; `data` is what there was, and is empty if
  // it ended between two. EMSGSIZE: the buffer is full and no end in it;
  // nothing is taken. Else the stream's own.
  IoStatus status;

  bool ok() const { return status.ok(); }
};

template <ByteStream Stream>
class BufferedReader {
 public:
  static constexpr std::size_t kCapacity = 8192;

  // The stream must outlive it. No call answers more than `capacity` bytes.
  explicit BufferedReader(Stream& stream, std::size_t capacity = kCapacity)
      : stream_(stream),
        capacity_(std::max<std::size_t>(capacity, 1)),
        buffer_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

  // co_await: all up to and with `end`, which is not empty.
  auto ReadUntil(std::string_view end) {
    return Call([end](std::string_view there) {
      const std::size_t at = there.find(end);
      return at == there.npos ? there.npos : at + end.size();
    });
  }
  auto ReadUntil(char end) {
    return Call([end](std::string_view there) {
      const std::size_t at = there.find(end);
      return at == there.npos ? there.npos : at + 1;
    });
  }
  // co_await: `count` bytes; more than the buffer holds is EMSGSIZE at once.
  auto ReadExactly(std::size_t count) {
    return Call([count, capacity = capacity_](std::string_view there) {
      if (count > capacity) return kTooMuch;
      return there.size() < count ? there.npos : count;
    });
  }
  // co_await: at least one byte, as the stream's Read; ENODATA at its end.
  auto ReadSome() {
    return Call([](std::string_view there) {
      return there.empty() ? there.npos : there.size();
    });
  }

  // co_await: all of `into`, however large, or why not: `bytes` says how many
  // are in it, which are taken. Straight to their place but for what is in the
  // buffer already; where the stream has Readv, what has come behind them is
  // put into the buffer by the same call. ENODATA: the stream ended before.
  Task<IoResult> ReadInto(std::span<char> into);

  // What is in the buffer, and not yet taken.
  std::string_view Buffered() const { return {buffer_.get() + begin_, size_}; }
  // Takes `count` bytes of it, or what there is.
  std::string_view Take(std::size_t count) {
    const std::string_view taken = Buffered().substr(0, count);
    begin_ += taken.size();
    size_ -= taken.size();
    return taken;
  }

  // co_await Fill(): one Read of the stream, behind what is there. 0 bytes are
  // its end. EMSGSIZE, without a read: the buffer is full.
  class FillOp;
  FillOp Fill() { return FillOp(*this); }

 private:
  static constexpr std::size_t kTooMuch = std::string_view::npos - 1;

  // Makes room behind what is there, which moves only when it must.
  std::span<char> Room() {
    if (size_ == 0) begin_ = 0;
    if (begin_ + size_ == capacity_ && begin_ > 0) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, size_);
      begin_ = 0;
    }
    const std::size_t used = begin_ + size_;
    return {buffer_.get() + used, capacity_ - used};
  }

  // `find` says how many bytes are to be taken, npos if it can't tell yet.
  template <class Find>
  Task<ReadResult> ReadOn(Find find) {
    for (;;) {
      const IoResult got = co_await Fill();
      if (!got.ok()) co_return ReadResult{{}, got.status};
      if (got.bytes == 0) {
        co_return ReadResult{Take(size_), IoStatus::FromErrno(ENODATA)};
      }
      const std::size_t count = find(Buffered());
      if (count != std::string_view::npos)
        co_return ReadResult{Take(count), {}};
    }
  }

  template <class Find>
  class ReadOp : public internal::ResumeWaiter {
   public:
    ReadOp(BufferedReader& reader, Find find) : reader_(reader), find_(find) {}

    bool await_ready() {
      found_ = find_(reader_.Buffered());
      return found_ != std::string_view::npos && internal::Pay();
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> task) {
      if (found_ != std::string_view::npos) {  // It could not pay.
        Resumes(task);
        internal::Settle(*this, nullptr);
        internal::GoLast(*this);
        return true;
      }
      task_.emplace(reader_.ReadOn(find_));
      awaiter_.emplace(std::move(*task_).operator co_await());
      return awaiter_->await_suspend(task);
    }
    ReadResult await_resume() {
      if (found_ == std::string_view::npos) return awaiter_->await_resume();
      if (found_ == kTooMuch) return {{}, IoStatus::FromErrno(EMSGSIZE)};
      return {reader_.Take(found_), {}};
    }

   private:
    BufferedReader& reader_;
    Find find_;
    std::size_t found_ = std::string_view::npos;
    std::optional<Task<ReadResult>> task_;
    std::optional<Task<ReadResult>::Awaiter> awaiter_;
  };

  template <class Find>
  ReadOp<Find> Call(Find find) {
    return ReadOp<Find>(*this, find);
  }

  Stream& stream_;
  const std::size_t capacity_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;  // What is there, and not yet taken:
  std::size_t size_ = 0;
};

template <ByteStream Stream>
Task<IoResult> BufferedReader<Stream>::ReadInto(std::span<char> into) {
  IoResult all;
  all.bytes = Take(into.size()).copy(into.data(), into.size());
  while (all.ok() && all.bytes < into.size()) {
    const std::span<char> rest = into.subspan(all.bytes);
    IoResult got;
    if constexpr (requires { stream_.Readv(std::span<const iovec>()); }) {
      begin_ = 0;  // The buffer is empty.
      const std::array<iovec, 2> places{
          {{rest.data(), rest.size()}, {buffer_.get(), capacity_}}};
      got = co_await stream_.Readv(places);
    } else {
      got = co_await stream_.Read(rest);
    }
    const std::size_t placed = std::min(got.bytes, rest.size());
    size_ = got.bytes - placed;
    all.bytes += placed;
    all.status = got.status;
    if (got.ok() && got.bytes == 0) all.status = IoStatus::FromErrno(ENODATA);
  }
  co_return all;
}

// The stream's Read, into the room that there is.
template <ByteStream Stream>
class BufferedReader<Stream>::FillOp {
 public:
  explicit FillOp(BufferedReader& reader)
      : reader_(reader),
        room_(reader.Room()),
        read_(reader.stream_.Read(room_)),
        awaiter_(internal::AwaiterOf(std::move(read_))) {}
  FillOp(const FillOp&) = delete;
  FillOp& operator=(const FillOp&) = delete;

  bool await_ready() { return room_.empty() || awaiter_.await_ready(); }
  template <class Promise>
  [[gnu::always_inline]] auto await_suspend(
      std::coroutine_handle<Promise> task) {
    return awaiter_.await_suspend(task);
  }
  IoResult await_resume() {
    if (room_.empty()) return {0, IoStatus::FromErrno(EMSGSIZE)};
    const IoResult got = awaiter_.await_resume();
    reader_.size_ += got.bytes;
    return got;
  }

 private:
  using Read = decltype(std::declval<Stream&>().Read(std::span<char>()));

  BufferedReader& reader_;
  const std::span<char> room_;
  Read read_;
  // Itself, or what its co_await is of.
  decltype(internal::AwaiterOf(std::declval<Read>())) awaiter_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_BUFFERED_READER_H_
