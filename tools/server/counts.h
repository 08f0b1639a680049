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
template <class Number>
class CounterOf {
 public:
  CounterOf() = default;
  CounterOf(Number value) : value_(value) {}  // NOLINT: is a number.
  CounterOf(const CounterOf& other) : value_(other) {}
  CounterOf& operator=(const CounterOf& other) {
    value_.store(other, std::memory_order_relaxed);
    return *this;
  }
  operator Number() const {  // NOLINT: is a number.
    return value_.load(std::memory_order_relaxed);
  }
  CounterOf& operator+=(Number more) { return *this = *this + more; }
  CounterOf& operator++() { return *this += 1; }

 private:
  std::atomic<Number> value_{0};
};
using Counter = CounterOf<std::uint64_t>;

// `Rare`: what is counted rarely.
template <class Rare>
struct CountsOf {
  Counter messages;  // Requests, or reads echoed.
  Counter bytes_in;
  Counter bytes_out;
  CounterOf<Rare> timeouts;  // Clients closed by the read timeout.
  CounterOf<Rare> errors;    // Malformed requests, failures of the system.

  template <class Other>
  void Add(const CountsOf<Other>& other) {
    messages += other.messages;
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    timeouts += other.timeouts;
    errors += other.errors;
  }
};
using Counts = CountsOf<std::uint64_t>;
// Of one client: there are many.
using ClientCounts = CountsOf<std::uint32_t>;

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_COUNTS_H_
