// SPDX-License-Identifier: Apache-2.0
//
// What a server counts of a client.

#ifndef NETPOLL_TOOLS_SERVER_COUNTS_H_
#define NETPOLL_TOOLS_SERVER_COUNTS_H_

#include <atomic>
#include <cstdint>

namespace netpoll::server {

// Written by one thread at a time, which pays no more than for a plain number;
// read by any.
class Counter {
 public:
  Counter() = default;
  Counter(std::uint64_t value) : value_(value) {}  // NOLINT: is a number.
  Counter(const Counter& other) : value_(other) {}
  Counter& operator=(const Counter& other) {
    value_.store(other, std::memory_order_relaxed);
    return *this;
  }
  operator std::uint64_t() const {  // NOLINT: is a number.
    return value_.load(std::memory_order_relaxed);
  }
  Counter& operator+=(std::uint64_t more) { return *this = *this + more; }
  Counter& operator++() { return *this += 1; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counts {
  Counter messages;  // Requests, or reads echoed.
  Counter bytes_in;
  Counter bytes_out;
  Counter timeouts;  // Clients closed by the read timeout.
  Counter errors;    // Malformed requests, failures of the system.

  void Add(const Counts& other) {
    messages += other.messages;
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    timeouts += other.timeouts;
    errors += other.errors;
  }
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_COUNTS_H_
