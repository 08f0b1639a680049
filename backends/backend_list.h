// SPDX-License-Identifier: Apache-2.0
//
// A list of backends: by type when something is compiled, by name when it runs.

#ifndef NETPOLL_BACKENDS_BACKEND_LIST_H_
#define NETPOLL_BACKENDS_BACKEND_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/backends/one_of.h"

namespace netpoll {

template <class... Backend>
struct BackendList {
  // The preferred ones first.
  static std::vector<std::string> Names() { return {Backend::kName...}; }

  // Calls f.template operator()<B>() for the backend of that name. False if
  // there is none.
  template <class F>
  static bool Visit(std::string_view name, F f) {
    return (
        (name == Backend::kName && (f.template operator()<Backend>(), true)) ||
        ...);
  }

  static bool Has(std::string_view name) {
    return ((name == Backend::kName) || ...);
  }

  template <class... More>
  static BackendList<Backend..., More...> Joined(BackendList<More...>);
  // This list and then the other.
  template <class Other>
  using With = decltype(Joined(Other{}));
};

template <class List>
struct AnyOfList;
template <class... Backend>
struct AnyOfList<BackendList<Backend...>> {
  using Type = OneOf<Backend...>;
};
// One of a list, chosen when the program runs.
template <class List>
using AnyOf = typename AnyOfList<List>::Type;

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_BACKEND_LIST_H_
