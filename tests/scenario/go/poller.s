// SPDX-License-Identifier: Apache-2.0
//
// Empty: its presence lets poller.go declare functions without bodies.
