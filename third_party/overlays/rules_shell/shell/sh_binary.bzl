# SPDX-License-Identifier: Apache-2.0
"""The native sh_binary under the name that rules_shell gives it."""

sh_binary = native.sh_binary
