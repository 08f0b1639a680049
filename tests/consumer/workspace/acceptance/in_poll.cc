// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include "loop.h"

int main() {
  Loop().Go([](int descriptor, int milliseconds) {
    pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, milliseconds) == 1;
  });
}
