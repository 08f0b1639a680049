// SPDX-License-Identifier: Apache-2.0
//
// The fields of a plain struct as numbers: how the explorer keeps what can't be
// copied (arrays that grow, lists through memory of their own). Such a type
// names its fields in EachField(visit), see core/concurrency.h. Memory that it
// has taken stays where it is, so an address is a number like another; numbers
// that are zero are left out, so room that is not used costs nothing.

#ifndef NETPOLL_MODEL_FIELD_VALUES_H_
#define NETPOLL_MODEL_FIELD_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace netpoll::model {

struct AnyVisit {
  template <class T>
  void operator()(T&) {}
  template <class T>
  void Array(T*, std::size_t) {}
};

template <class T>
concept NamesFields = requires(T& value, AnyVisit& visit) {
  value.EachField(visit);
};

// Compared by the hash first: most that are compared differ.
struct FieldValues {
  std::uint64_t hash = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> values;

  void Add(std::uint32_t place, std::uint64_t value) {
    if (value == 0) return;
    values.emplace_back(place, value);
    hash = (hash ^ value ^ std::uint64_t{place} << 40) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  friend bool operator==(const FieldValues&, const FieldValues&) = default;
  std::string Text() const { return ""; }
};

// Goes through all fields, in their order, each at a place of its own.
template <class Number>
class FieldWalk {
 public:
  explicit FieldWalk(Number number) : number_(number) {}

  template <class T>
  void operator()(T& field) {
    if constexpr (NamesFields<T>) {
      field.EachField(*this);
    } else {
      number_(place_++, field);
    }
  }
  template <class T>
  void Array(T* begin, std::size_t size) {
    const std::uint32_t base = place_;
    for (std::size_t i = 0; i < size; ++i) {
      place_ = base + static_cast<std::uint32_t>(i) * kFieldsOfElement;
      (*this)(begin[i]);
    }
    place_ = base + kElements * kFieldsOfElement;
  }

 private:
  static constexpr std::uint32_t kFieldsOfElement = 32;
  static constexpr std::uint32_t kElements = 1 << 16;

  Number number_;
  std::uint32_t place_ = 0;
};

template <class T>
std::uint64_t FieldToNumber(const T& field) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(field);
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(field);
  } else {
    static_assert(sizeof(T) <= sizeof(std::uint64_t) &&
                  std::has_unique_object_representations_v<T>);
    std::uint64_t number = 0;
    std::memcpy(&number, &field, sizeof(T));
    return number;
  }
}

template <class T>
void NumberToField(std::uint64_t number, T* field) {
  if constexpr (std::is_pointer_v<T>) {
    *field = reinterpret_cast<T>(static_cast<std::uintptr_t>(number));
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    *field = static_cast<T>(number);
  } else {
    std::memcpy(static_cast<void*>(field), &number, sizeof(T));
  }
}

template <class T>
FieldValues ValuesOfFields(T* value) {
  FieldValues kept;
  FieldWalk walk([&](std::uint32_t place, auto& field) {
    kept.Add(place, FieldToNumber(field));
  });
  walk(*value);
  return kept;
}

template <class T>
void RestoreFields(const FieldValues& kept, T* value) {
  auto next = kept.values.begin();
  FieldWalk walk([&](std::uint32_t place, auto& field) {
    const bool here = next != kept.values.end() && next->first == place;
    NumberToField(here ? (next++)->second : 0, &field);
  });
  walk(*value);
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_FIELD_VALUES_H_
