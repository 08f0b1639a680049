# SPDX-License-Identifier: Apache-2.0
"""The native proto rules: Bazel 4.2.3's own tools load them. We use none."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
