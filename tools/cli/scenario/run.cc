// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/scenario/run.h"

#include <cstdio>
#include <cstring>
#include <string>

#include "netpoll/tools/cli/scenario/line_reader.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/common/cat.h"

namespace netpoll::scenario {
namespace {

// Runs one line; what is wrong with it, or nothing.
std::string RunLine(const std::string& line, const Executor& execute,
                    std::FILE* out) {
  const ParsedLine parsed = ParseLine(line);
  if (!parsed.statement) return parsed.error;
  const Outcome outcome = execute(*parsed.statement);
  if (outcome.error.empty() && parsed.statement->prints) {
    std::fprintf(out, "%s: %s\n", parsed.statement->text.c_str(),
                 outcome.result.c_str());
    std::fflush(out);
  }
  return outcome.error;
}

}  // namespace

bool Run(int input, const std::string& name, const Executor& execute,
         std::FILE* out, std::FILE* err) {
  LineReader lines(input, kMaxLineBytes);
  std::string line;
  for (long number = 1;; ++number) {
    std::string problem;
    switch (lines.Next(&line)) {
      case LineReader::Status::kEnd:
        return true;
      case LineReader::Status::kLine:
        problem = RunLine(line, execute, out);
        break;
      case LineReader::Status::kTooLong:
        problem = tools::Cat("a line of more than ", kMaxLineBytes, " bytes");
        break;
      case LineReader::Status::kError:
        problem = tools::Cat("cannot be read: ", std::strerror(lines.error()));
        break;
    }
    if (problem.empty()) continue;
    std::fprintf(err, "%s:%ld: %s\n", name.c_str(), number, problem.c_str());
    return false;
  }
}

}  // namespace netpoll::scenario
