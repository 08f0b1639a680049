// SPDX-License-Identifier: Apache-2.0

module netpoll/tests/scenario/go

go 1.19
