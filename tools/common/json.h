// SPDX-License-Identifier: Apache-2.0
//
// The JSON that programs print: objects, member by member.

#ifndef NETPOLL_TOOLS_COMMON_JSON_H_
#define NETPOLL_TOOLS_COMMON_JSON_H_

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace netpoll::tools {

// `text` as a JSON string, quotes included. Bytes pass through as they are,
// apart from those that JSON wants escaped.
inline std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += absl::StrFormat("\\u%04x", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// Its members are in the order in which they were added.
class JsonObject {
 public:
  JsonObject& Add(std::string_view name, std::string_view text) {
    return AddJson(name, JsonString(text));
  }
  // A template, so that no pointer becomes a bool.
  template <std::integral Number>
  JsonObject& Add(std::string_view name, Number number) {
    if constexpr (std::same_as<Number, bool>) {
      return AddJson(name, number ? "true" : "false");
    } else {
      return AddJson(name, absl::StrCat(number));
    }
  }
  // With so many digits behind the point.
  JsonObject& Add(std::string_view name, double number, int digits) {
    return AddJson(name, absl::StrFormat("%.*f", digits, number));
  }
  JsonObject& Add(std::string_view name, const JsonObject& object) {
    return AddJson(name, object.text());
  }
  JsonObject& Add(std::string_view name, const std::vector<JsonObject>& all) {
    std::string json;
    for (const JsonObject& each : all) {
      absl::StrAppend(&json, json.empty() ? "" : ", ", each.text());
    }
    return AddJson(name, absl::StrCat("[", json, "]"));
  }
  JsonObject& AddNull(std::string_view name) { return AddJson(name, "null"); }
  // All members of another.
  JsonObject& AddAllOf(const JsonObject& other) {
    absl::StrAppend(&members_, members_.empty() ? "" : ", ", other.members_);
    return *this;
  }

  std::string text() const { return absl::StrCat("{", members_, "}"); }

 private:
  JsonObject& AddJson(std::string_view name, const std::string& json) {
    absl::StrAppend(&members_, members_.empty() ? "" : ", ", JsonString(name),
                    ": ", json);
    return *this;
  }

  std::string members_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_JSON_H_
