// SPDX-License-Identifier: Apache-2.0
//
// What most of the runtime's tests include, for the sanitizers' builds: see
// tools/build_defs/precompiled.bzl. No file names it.

#ifndef NETPOLL_TESTS_PRECOMPILED_RUNTIME_TESTS_H_
#define NETPOLL_TESTS_PRECOMPILED_RUNTIME_TESTS_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

#endif  // NETPOLL_TESTS_PRECOMPILED_RUNTIME_TESTS_H_
