// SPDX-License-Identifier: Apache-2.0
//
// What a stream of bytes is, for code that does not mind which: Socket, one end
// of a pipe, or a layer over them that encrypts or compresses.
//
// A layer is a class with the three functions below, most simply coroutines;
// examples/tls_stream.h is one over OpenSSL. It may be over any ByteStream in
// turn.
//
// Read   at least one byte, 0 bytes at the end, or an error
// Write  all, or an error, with how much was written
// Close  the end of both directions; operations under way end with "closing"

#ifndef NETPOLL_RUNTIME_BYTE_STREAM_H_
#define NETPOLL_RUNTIME_BYTE_STREAM_H_

#include "netpoll/core/cpp20.h"

#include <concepts>
#include <span>
#include <string_view>

#include "netpoll/runtime/awaiter_of.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll {

template <class S>
concept ByteStream = requires(S& stream, std::span<char> buffer,
                              std::string_view data) {
  requires std::same_as<internal::AwaitResult<decltype(stream.Read(buffer))>,
                        IoResult>;
  requires std::same_as<internal::AwaitResult<decltype(stream.Write(data))>,
                        IoResult>;
  stream.Close();
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_BYTE_STREAM_H_
