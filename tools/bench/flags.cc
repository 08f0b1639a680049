// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/bench/flags.h"

#include <errno.h>
#include <string.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace netpoll::bench {
namespace {

std::string& Program() {
  static std::string& program = *new std::string("bench");
  return program;
}

[[noreturn]] void Exit(int status, const std::string& sentence) {
  std::fprintf(stderr, "%s: %s\n", Program().c_str(), sentence.c_str());
  std::exit(status);
}

void PrintHelp(const char* summary, const std::vector<Flag>& flags) {
  std::printf("usage: %s [OPTION...]\n\n%s\n\n", Program().c_str(), summary);
  for (const Flag& flag : flags) {
    const bool valued = !std::holds_alternative<bool*>(flag.target);
    std::printf("  --%s%s\n        %s\n", flag.name, valued ? " VALUE" : "",
                flag.help);
  }
  std::printf("  --help\n        this text\n");
}

const Flag* FindFlag(const std::vector<Flag>& flags, std::string_view name) {
  for (const Flag& flag : flags) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

// False if the text is not a value of the flag's type.
bool Assign(const Flag& flag, const std::string& text) {
  if (auto* const number = std::get_if<std::int64_t*>(&flag.target)) {
    return absl::SimpleAtoi(text, *number) && **number >= 0;
  }
  if (auto* const real = std::get_if<double*>(&flag.target)) {
    return absl::SimpleAtod(text, *real) && **real >= 0;
  }
  *std::get<std::string*>(flag.target) = text;
  return true;
}

}  // namespace

void ParseFlags(int argc, char** argv, const char* summary,
                const std::vector<Flag>& flags) {
  const std::string_view path = argv[0];
  Program() = path.substr(path.rfind('/') + 1);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help") {
      PrintHelp(summary, flags);
      std::exit(0);
    }
    if (argument.rfind("--", 0) != 0) {
      BadUse(absl::StrCat("unexpected argument '", argument, "'; see --help"));
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(
        2, equals == std::string::npos ? std::string::npos : equals - 2);
    const Flag* const flag = FindFlag(flags, name);
    if (flag == nullptr) {
      BadUse(absl::StrCat("unknown option '--", name, "'; see --help"));
    }
    if (auto* const boolean = std::get_if<bool*>(&flag->target)) {
      if (equals != std::string::npos) {
        BadUse(absl::StrCat("--", name, " takes no value"));
      }
      **boolean = true;
      continue;
    }
    if (equals == std::string::npos && i + 1 == argc) {
      BadUse(absl::StrCat("--", name, " needs a value"));
    }
    const std::string value =
        equals == std::string::npos ? argv[++i] : argument.substr(equals + 1);
    if (!Assign(*flag, value)) {
      BadUse(absl::StrCat("--", name, ": '", value, "' is not a number >= 0"));
    }
  }
}

void BadUse(const std::string& sentence) { Exit(2, sentence); }

void Die(const std::string& sentence) { Exit(1, sentence); }

void DieErrno(const std::string& what) {
  const int error = errno;
  Die(absl::StrCat(what, ": ", ::strerror(error)));
}

}  // namespace netpoll::bench
