// SPDX-License-Identifier: Apache-2.0
//
// The rows in a folder, for tests: one that cannot be read fails the test.

#ifndef NETPOLL_MODEL_MUTANTS_READ_ROWS_H_
#define NETPOLL_MODEL_MUTANTS_READ_ROWS_H_

#include <filesystem>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {

inline std::map<std::string, Row> ReadRows(const std::string& folder) {
  std::map<std::string, Row> rows;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().stem().string();
    std::string why;
    EXPECT_TRUE(
        ParseRow(name, ReadFile(file.path().string()), &rows[name], &why))
        << why;
  }
  return rows;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_READ_ROWS_H_
