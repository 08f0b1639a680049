// SPDX-License-Identifier: Apache-2.0
//
// The poller inside Asio's io_context, which several threads run. Jobs are
// posted to the context, and any of its threads runs them; the poller's own
// steps come one after the other, by a strand.

#ifndef NETPOLL_EXAMPLES_LOOPS_ASIO_LOOP_H_
#define NETPOLL_EXAMPLES_LOOPS_ASIO_LOOP_H_

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstdint>
#include <thread>

#include "netpoll/core/delta.h"
#include "netpoll/core/foreign_loop.h"
#include "netpoll/core/types.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

namespace asio = boost::asio;

template <class Poller>
class AsioLoop {
 public:
  explicit AsioLoop(Poller& poller)
      : loop_(poller, *this), readable_(io_, loop_.descriptor()) {}
  AsioLoop(const AsioLoop&) = delete;
  AsioLoop& operator=(const AsioLoop&) = delete;
  ~AsioLoop() { readable_.release(); }  // It is the poller's.

  // Runs until Stop, on two threads.
  void Run() {
    asio::post(strand_, [this] { Sleep(); });
    std::thread other([this] { io_.run(); });
    io_.run();
    other.join();
  }

  // From any thread.
  void Stop() {
    asio::post(strand_, [this] {
      stopped_ = true;
      End();
    });
  }
  void Post(Job* job) {
    asio::post(io_, [job] { job->Resume(); });
  }
  template <class Result>
  void Deliver(Result result) {
    loop_.Deliver(result);
  }

  int wakes() const { return wakes_; }

  // --- For ForeignLoop ------------------------------------------------------

  std::int64_t Now() { return MonotonicNow(); }
  void Run(Waiter* job) { Post(static_cast<Job*>(job)); }
  // None that the context does not know of by itself.
  bool WorkVisible() { return false; }

 private:
  // Everything below is on the strand.

  void Sleep() {
    if (stopped_) return;
    const auto rest = loop_.Prepare();
    const auto woken = [this, sleep = ++sleep_](bool readable) {
      return asio::bind_executor(strand_, [this, sleep, readable](auto error) {
        // The other of the two may have been on its way when it was
        // cancelled: it belongs to a sleep that is over.
        if (!error && sleep == sleep_) Back(readable);
      });
    };
    readable_.async_wait(asio::posix::descriptor_base::wait_read, woken(true));
    if (rest.until == kNever) return;
    timer_.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::nanoseconds(rest.until)));
    timer_.async_wait(woken(false));
  }

  void Back(bool readable) {
    End();
    loop_.Return(readable);
    ++wakes_;
    Sleep();
  }

  void End() {
    ++sleep_;
    readable_.cancel();
    timer_.cancel();
  }

  bool stopped_ = false;
  int sleep_ = 0;  // Its number.
  std::atomic<int> wakes_ = 0;
  ForeignLoop<Poller, AsioLoop> loop_;
  asio::io_context io_{2};
  asio::strand<asio::io_context::executor_type> strand_{io_.get_executor()};
  asio::posix::stream_descriptor readable_;
  asio::steady_timer timer_{io_};
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_ASIO_LOOP_H_
