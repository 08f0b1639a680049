# SPDX-License-Identifier: Apache-2.0
"""The native Java rules: Bazel 4.2.3's own tools load them. We use none."""

java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
