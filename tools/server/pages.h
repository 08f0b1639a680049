// SPDX-License-Identifier: Apache-2.0
//
// What an HTTP server answers to certain paths, made when it is asked for.

#ifndef NETPOLL_TOOLS_SERVER_PAGES_H_
#define NETPOLL_TOOLS_SERVER_PAGES_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace netpoll::server {

struct Page {
  std::string path;
  std::string type;  // Content-Type.
  std::function<std::string()> text;
};
using Pages = std::vector<Page>;

// The page of a request line, which is one; null if there is none. A query is
// passed over, and so is a host.
inline const Page* FindPage(const Pages& pages, std::string_view line) {
  std::string_view target = line.substr(line.find(' ') + 1);
  target = target.substr(0, target.find(' '));
  target = target.substr(0, target.find('?'));
  if (const auto host = target.find("://"); host != std::string_view::npos) {
    target.remove_prefix(host + 3);
    const auto path = target.find('/');
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  for (const Page& page : pages) {
    if (page.path == target) return &page;
  }
  return nullptr;
}

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_PAGES_H_
