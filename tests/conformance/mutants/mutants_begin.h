// SPDX-License-Identifier: Apache-2.0
//
// What the tests of backends include and no mutant changes: see
// tools/build_defs/precompiled.bzl. No file names it.

#ifndef NETPOLL_TESTS_CONFORMANCE_MUTANTS_MUTANTS_BEGIN_H_
#define NETPOLL_TESTS_CONFORMANCE_MUTANTS_MUTANTS_BEGIN_H_

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#endif  // NETPOLL_TESTS_CONFORMANCE_MUTANTS_MUTANTS_BEGIN_H_
