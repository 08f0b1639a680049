// SPDX-License-Identifier: Apache-2.0
//
// The flags and words of one program, or of one subcommand: declared in a
// table, parsed strictly, and explained by --help.
//
//   int RunServe(Arguments arguments) {
//     std::string kind;
//     int threads = 1;
//     std::chrono::nanoseconds read_timeout{0};
//     Flags flags("netpoll serve", "Serves until it is told to stop.");
//     flags.Word("KIND", &kind, "echo or http");
//     flags.Count("threads", "N", &threads, 1, 64, "worker threads");
//     flags.Duration("read-timeout", "D", &read_timeout, "0 waits for ever");
//     flags.Example("netpoll serve echo --threads 2");
//     if (const auto status = flags.Parse(arguments)) return *status;
//     ...
//
// A value is given as `--name VALUE` or `--name=VALUE`; `--` ends the flags.
// What the target holds before Parse is the default, and --help says so.

#ifndef NETPOLL_TOOLS_COMMON_FLAGS_H_
#define NETPOLL_TOOLS_COMMON_FLAGS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/tools/common/values.h"

namespace netpoll::tools {

// Exit statuses, the same for every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFinding = 1;
inline constexpr int kExitBadUse = 2;

// The words after the program's name, or the subcommand's.
using Arguments = std::span<const std::string>;

class Flags {
 public:
  // Stores the value; on failure returns what is expected ("a duration such as
  // 250ms").
  using Setter = std::function<std::optional<std::string>(std::string_view)>;

  // `command` as it is typed: "netpoll serve".
  Flags(std::string command, std::string description);

  // Words without dashes, in order; each is required.
  void Word(std::string name, std::string* target, std::string help);

  void Switch(std::string name, bool* target, std::string help);
  void Text(std::string name, std::string placeholder, std::string* target,
            std::string help);
  void Choice(std::string name, std::string placeholder, std::string* target,
              std::vector<std::string> choices, std::string help);
  void Count(std::string name, std::string placeholder, int* target, int least,
             int most, std::string help);
  // The same from `least`, however large.
  void Count(std::string name, std::string placeholder, std::int64_t* target,
             std::int64_t least, std::string help);
  // A number that is not negative and may have a fraction.
  void Real(std::string name, std::string placeholder, double* target,
            std::string help);
  void Duration(std::string name, std::string placeholder,
                std::chrono::nanoseconds* target, std::string help);
  void Endpoint(std::string name, std::string placeholder, Address* target,
                std::string help);
  // Any other kind of value. `initial` is shown as the default if not empty.
  void Custom(std::string name, std::string placeholder, std::string initial,
              std::string help, Setter setter);

  // The flag must be given.
  void Require(std::string_view name);

  // A default that costs something to find out: `find` stores it into the
  // flag's target and returns it, once, when the flag was not given or --help
  // wants to know.
  void Default(std::string_view name, std::function<std::string()> find);

  // For --help: what an exit status of 1 means here, and examples.
  void Finding(std::string meaning) { finding_ = std::move(meaning); }
  void Example(std::string line) { examples_.push_back(std::move(line)); }

  // Nothing: go on. Otherwise the exit status: --help was answered, or a
  // mistake was named in one sentence on standard error.
  std::optional<int> Parse(Arguments arguments);
  std::optional<int> Parse(int argc, char** argv);

  // Prints "COMMAND: `sentence`" on standard error; kExitBadUse.
  // Refuse, for bad use, also says where the help is. Found answers
  // kExitFinding.
  int Refuse(const std::string& sentence) const;
  int Fail(const std::string& sentence) const;
  int Found(const std::string& sentence) const;

  std::string Help() const;

 private:
  struct Flag {
    std::string name;
    std::string placeholder;  // Empty: a switch.
    std::string initial;
    std::string help;
    Setter setter;
    std::function<std::string()> find_initial = nullptr;
    bool required = false;
    bool given = false;
  };
  struct Positional {
    std::string name;
    std::string help;
    std::string* target;
  };

  Flag* Find(std::string_view name);
  void FindDefaults();
  // "KIND", "--listen ADDRESS", "[--threads N]".
  std::vector<std::string> Parts() const;
  std::optional<int> ParseFlag(Arguments arguments, std::size_t* next);
  std::optional<int> TakeWords(const std::vector<std::string>& words);
  int UnknownFlag(std::string_view word) const;

  std::string command_;
  std::string description_;
  std::string finding_;
  std::vector<Positional> words_;
  std::vector<Flag> flags_;
  std::vector<std::string> examples_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_FLAGS_H_
