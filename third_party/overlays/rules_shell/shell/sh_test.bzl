# SPDX-License-Identifier: Apache-2.0
"""The native sh_test under the name that rules_shell gives it."""

sh_test = native.sh_test
