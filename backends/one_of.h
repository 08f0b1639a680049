// SPDX-License-Identifier: Apache-2.0
//
// One of several backends, chosen by name when the program runs. It is a
// backend itself; each call costs one comparison more than the chosen one's.

#ifndef NETPOLL_BACKENDS_ONE_OF_H_
#define NETPOLL_BACKENDS_ONE_OF_H_

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "netpoll/backends/backend.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class First, class... Others>
class OneOf {
  template <class B>
  using Of = std::remove_cvref_t<B>;
  // Whether any of them says so of itself.
  static constexpr bool Any(bool BackendTraits::*trait) {
    return ((First::kTraits.*trait) || ... || (Others::kTraits.*trait));
  }

 public:
  static constexpr const char* kName = "one of several";
  static constexpr BackendTraits kTraits = {
      .needs_arm = Any(&BackendTraits::needs_arm),
      .has_poll_fd = Any(&BackendTraits::has_poll_fd),
      .asks_before_timeout = Any(&BackendTraits::asks_before_timeout),
      .marks_short_reads = Any(&BackendTraits::marks_short_reads),
      .explains_init = Any(&BackendTraits::explains_init),
      .knows_children = Any(&BackendTraits::knows_children)};

  // The first of the list.
  OneOf() : OneOf(First::kName) {}
  // Init of an unknown name answers EINVAL, and nothing else may be called.
  explicit OneOf(std::string_view name) { Choose<First, Others...>(name); }
  OneOf(const OneOf&) = delete;
  OneOf& operator=(const OneOf&) = delete;

  // Of the chosen backend; "none" if there is no such name.
  const char* name() const {
    const char* name = "none";
    With([&name](const auto& backend) { name = Of<decltype(backend)>::kName; });
    return name;
  }
  // What the chosen one says of itself.
  BackendTraits traits() const {
    BackendTraits traits;
    With([&traits](const auto& backend) {
      traits = Of<decltype(backend)>::kTraits;
    });
    return traits;
  }

  // All backends refuse the same descriptors.
  static int CheckPollable(Fd fd) { return First::CheckPollable(fd); }

  int Init() {
    int error = EINVAL;
    With([&error](auto& backend) { error = backend.Init(); });
    return error;
  }
  // Null where the chosen one says nothing.
  const char* ExplainInit(int error) const requires(kTraits.explains_init) {
    const char* why = nullptr;
    With([&](const auto& backend) {
      if constexpr (Of<decltype(backend)>::kTraits.explains_init) {
        why = backend.ExplainInit(error);
      }
    });
    return why;
  }
  int Open(Fd fd, EventKey key) {
    int error = EINVAL;
    With([&](auto& backend) { error = backend.Open(fd, key); });
    return error;
  }
  int Close(Fd fd, EventKey key) {
    int error = EINVAL;
    With([&](auto& backend) { error = backend.Close(fd, key); });
    return error;
  }
  void Arm(Fd fd, EventKey key, Mode direction) requires(kTraits.needs_arm) {
    With([&](auto& backend) {
      if constexpr (Of<decltype(backend)>::kTraits.needs_arm) {
        backend.Arm(fd, key, direction);
      }
    });
  }
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    With([&](auto& backend) { backend.Poll(delta, sink); });
  }
  template <class Sink>
  void Ask(Fd fd, EventKey key, Mode mode,
           Sink& sink) requires(kTraits.asks_before_timeout) {
    With([&](auto& backend) {
      if constexpr (Of<decltype(backend)>::kTraits.asks_before_timeout) {
        backend.Ask(fd, key, mode, sink);
      }
    });
  }
  void Break() {
    With([](auto& backend) { backend.Break(); });
  }
  // 0 where the chosen one does not count them.
  std::uint64_t breaks_taken() const {
    std::uint64_t taken = 0;
    With([&taken](const auto& backend) {
      if constexpr (requires { backend.breaks_taken(); }) {
        taken = backend.breaks_taken();
      }
    });
    return taken;
  }
  bool IsPollDescriptor(Fd fd) const {
    bool own = false;
    With([&](const auto& backend) { own = backend.IsPollDescriptor(fd); });
    return own;
  }
  // What the chosen one says; false where it can't tell.
  bool InChild() const requires(kTraits.knows_children) {
    bool in_child = false;
    With([&in_child](const auto& backend) {
      if constexpr (Of<decltype(backend)>::kTraits.knows_children) {
        in_child = backend.InChild();
      }
    });
    return in_child;
  }
  // -1 where the chosen one has none.
  Fd PollFd() const requires(kTraits.has_poll_fd) {
    Fd fd = static_cast<Fd>(-1);
    With([&fd](const auto& backend) {
      if constexpr (Of<decltype(backend)>::kTraits.has_poll_fd) {
        fd = backend.PollFd();
      }
    });
    return fd;
  }

 private:
  template <class Backend, class... Rest>
  void Choose(std::string_view name) {
    if (name == Backend::kName) {
      chosen_.template emplace<Backend>();
    } else if constexpr (sizeof...(Rest) > 0) {
      Choose<Rest...>(name);
    }
  }

  // Calls `f` with the chosen backend; not at all if there is none.
  template <class F>
  void With(F f) {
    Try<First, Others...>(chosen_, f);
  }
  template <class F>
  void With(F f) const {
    Try<First, Others...>(chosen_, f);
  }
  template <class Backend, class... Rest, class Variant, class F>
  static void Try(Variant& chosen, F& f) {
    if (auto* const backend = std::get_if<Backend>(&chosen)) {
      f(*backend);
    } else if constexpr (sizeof...(Rest) > 0) {
      Try<Rest...>(chosen, f);
    }
  }

  std::variant<std::monostate, First, Others...> chosen_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_ONE_OF_H_
