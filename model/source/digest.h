// SPDX-License-Identifier: Apache-2.0
//
// A short number for a text, FNV-1a: to tell texts apart, not to guard them.

#ifndef NETPOLL_MODEL_SOURCE_DIGEST_H_
#define NETPOLL_MODEL_SOURCE_DIGEST_H_

#include <cstdint>
#include <string_view>

namespace netpoll::model {

constexpr std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SOURCE_DIGEST_H_
