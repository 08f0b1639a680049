// SPDX-License-Identifier: Apache-2.0
//
// What check writes for a browser: a page of one counterexample, or a folder
// with an overview of everything and a page of each counterexample.

#ifndef NETPOLL_TOOLS_CLI_CHECK_FOLDER_H_
#define NETPOLL_TOOLS_CLI_CHECK_FOLDER_H_

#include <string>
#include <string_view>

#include "netpoll/model/report/overview.h"
#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

// A page: its name ends so. Anything else is a folder.
bool NamesAPage(std::string_view path);

class CheckFolder {
 public:
  // Empty: nothing is wanted.
  explicit CheckFolder(std::string folder) : folder_(std::move(folder)) {}

  // Makes the folder; the exit status.
  int Make(const Flags& flags) const;

  void Add(const Flags& flags, const model::Verdict& verdict);

  // The rest, when everything was explored; the exit status.
  int Write(const Flags& flags, const model::Variant& variant, bool whole,
            double seconds);

 private:
  const std::string folder_;
  model::Overview overview_;
  model::Certificate counted_;
  std::string closed_;  // Lines of the closed configurations.
  int status_ = kExitOk;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHECK_FOLDER_H_
