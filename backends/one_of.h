// SPDX-License-Identifier: Apache-2.0
//
// One of several backends, chosen by name when the program runs. It is a
// backend itself; each call costs one comparison more than the chosen one's.

#ifndef NETPOLL_BACKENDS_ONE_OF_H_
#define NETPOLL_BACKENDS_ONE_OF_H_

#include <cerrno>
#include <string_view>
#include <type_traits>
#include <variant>

#include "netpoll/backends/backend.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class First, class... Others>
class OneOf {
  template <class Backend>
  static constexpr bool kAsks = [] {
    if constexpr (requires { Backend::kAsksBeforeTimeout; }) {
      return Backend::kAsksBeforeTimeout;
    } else {
      return false;
    }
  }();

 public:
  static constexpr const char* kName = "one of several";
  static constexpr bool kNeedsArm =
      (First::kNeedsArm || ... || Others::kNeedsArm);
  static constexpr bool kHasPollFd =
      (First::kHasPollFd || ... || Others::kHasPollFd);

  static constexpr bool kAsksBeforeTimeout =
      (kAsks<First> || ... || kAsks<Others>);

  // The first of the list.
  OneOf() : OneOf(First::kName) {}
  // Init of an unknown name answers EINVAL, and nothing else may be called.
  explicit OneOf(std::string_view name) { Choose<First, Others...>(name); }
  OneOf(const OneOf&) = delete;
  OneOf& operator=(const OneOf&) = delete;

  // Of the chosen backend; "none" if there is no such name.
  const char* name() const {
    const char* name = "none";
    With([&name](const auto& backend) {
      name = std::remove_cvref_t<decltype(backend)>::kName;
    });
    return name;
  }
  // Whether Arm does anything.
  bool needs_arm() const {
    bool needs = false;
    With([&needs](const auto& backend) {
      needs = std::remove_cvref_t<decltype(backend)>::kNeedsArm;
    });
    return needs;
  }
  // Whether Ask does anything.
  bool asks_before_timeout() const {
    bool asks = false;
    With([&asks](const auto& backend) {
      asks = kAsks<std::remove_cvref_t<decltype(backend)>>;
    });
    return asks;
  }
  // What the chosen one's kMarksShortReads says.
  bool marks_short_reads() const {
    bool marks = false;
    With([&marks](const auto& backend) {
      using Backend = std::remove_cvref_t<decltype(backend)>;
      if constexpr (requires { Backend::kMarksShortReads; }) {
        marks = Backend::kMarksShortReads;
      }
    });
    return marks;
  }

  // All backends refuse the same descriptors.
  static int CheckPollable(Fd fd) { return First::CheckPollable(fd); }

  int Init() {
    int error = EINVAL;
    With([&error](auto& backend) { error = backend.Init(); });
    return error;
  }
  // What the chosen one says of an error of Init; null where it says nothing.
  const char* WhyNot(int error) const {
    const char* why = nullptr;
    With([&](const auto& backend) {
      using Backend = std::remove_cvref_t<decltype(backend)>;
      if constexpr (requires { Backend::ExplainInit(error); }) {
        why = Backend::ExplainInit(error);
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
  void Arm(Fd fd, EventKey key, Mode direction) requires(kNeedsArm) {
    With([&](auto& backend) {
      if constexpr (std::remove_cvref_t<decltype(backend)>::kNeedsArm) {
        backend.Arm(fd, key, direction);
      }
    });
  }
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    With([&](auto& backend) { backend.Poll(delta, sink); });
  }
  template <class Sink>
  void Ask(Fd fd, EventKey key, Mode mode, Sink& sink) {
    With([&](auto& backend) {
      if constexpr (kAsks<std::remove_cvref_t<decltype(backend)>>) {
        backend.Ask(fd, key, mode, sink);
      }
    });
  }
  void Break() {
    With([](auto& backend) { backend.Break(); });
  }
  bool IsPollDescriptor(Fd fd) const {
    bool own = false;
    With([&](const auto& backend) { own = backend.IsPollDescriptor(fd); });
    return own;
  }
  // What the chosen one says; false where it can't tell.
  bool InChild() const {
    bool in_child = false;
    With([&in_child](const auto& backend) {
      if constexpr (requires { backend.InChild(); }) {
        in_child = backend.InChild();
      }
    });
    return in_child;
  }
  // -1 where the chosen one has none.
  Fd PollFd() const {
    Fd fd = static_cast<Fd>(-1);
    With([&fd](const auto& backend) {
      if constexpr (std::remove_cvref_t<decltype(backend)>::kHasPollFd) {
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
