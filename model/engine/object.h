// SPDX-License-Identifier: Apache-2.0
//
// What model threads share: objects, and the accesses that threads make to
// them. An object's values are interned: the explorer works on small numbers
// only, and a value's number is the order in which it was first seen, which no
// compiler, address or hash function changes.

#ifndef NETPOLL_MODEL_ENGINE_OBJECT_H_
#define NETPOLL_MODEL_ENGINE_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <sstream>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace netpoll::model {

using Value = std::uint16_t;  // The number of a value, or a small response.

enum class Op : std::uint8_t {
  kLoad,
  kStore,
  kExchange,
  kAdd,
  kCas,
  kCall,     // A guarded atomic step of the environment: a kernel, a task.
  kAcquire,  // Blocks while the lock is held.
  kTryAcquire,
  kRelease,
  kGet,  // A plain field: no step of its own under a lock.
  kSet,
  kChoose,  // One of `number` branches.
  kMay,     // A stimulus that may also never come.
  kEnd,     // The thread has ended.
};

const char* Name(Op op);

// Stops the program if there is no number left for one more of `what`.
void CheckRoom(std::size_t used, const char* what);

// What an access does to its object's value.
struct Effect {
  bool enabled = true;
  Value next = 0;
  Value response = 0;
};

class Object;

// Where an access is written. It tells nothing apart: a person is told it.
struct Place {
  const char* file = "";  // As the compiler was given it.
  int line = 0;

  // As a default argument: of whoever calls.
  static constexpr Place Here(
      std::source_location here = std::source_location::current()) {
    return {here.file_name(), static_cast<int>(here.line())};
  }
};

// The site of every plain field, and so the name of one that has none.
inline constexpr char kField[] = "field";

// One access that a thread is about to make. Equal accesses are one.
struct Access {
  Op op = Op::kEnd;
  std::uint8_t order = 4;   // The seam's number of its memory order.
  bool optional = false;    // May also never happen.
  bool unseen = false;      // Nobody looks at the response.
  bool rests = false;       // To be blocked here for ever is no deadlock.
  std::int16_t wakes = -1;  // The thread that must be parked for this step.
  Object* object = nullptr;
  const char* site = "";
  Value a = 0;              // CAS: expected. Store, exchange, set: the value.
  Value b = 0;              // CAS: desired.
  std::int64_t number = 0;  // Add: the delta. Call: its argument.
  void (*call)() = nullptr;
  Place place = {};

  bool SameAs(const Access& other) const;
};

class Object {
 public:
  // Becomes one of the world under construction, if there is one (world.cc).
  Object();
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  virtual Effect Apply(const Access& access, Value value) = 0;
  virtual std::string Show(Value value) const = 0;
  virtual std::uint64_t Bits(Value) const { return 0; }
  // The value as a Codec keeps it, if that is what this object's is.
  template <class Kept>
  const Kept* KeptAs(Value value) const {
    return static_cast<const Kept*>(KeptIf(typeid(Kept), value));
  }
  virtual std::size_t value_count() const = 0;
  // Forgets every value but the present one, which becomes number 0.
  virtual void Settle() = 0;

  int index = -1;            // In its world.
  int slot = -1;             // In the explored state; -1 until first touched.
  int lock_number = -1;      // Of a lock, once a thread has come to it.
  Value now = 0;             // While no run is under way.
  std::uint8_t role = 0;     // What it is to an observer; the explorer's: 0.
  bool always_seen = false;  // Old values are observations, looked at or not.
  bool left_out = false;     // A count that nobody looks at: not in the state.
  std::string name;

 private:
  virtual const void* KeptIf(const std::type_info& type, Value value) const = 0;
};

// How a value is kept. Specialised for what refers to memory outside it.
template <class T>
struct Codec {
  using Kept = T;
  static Kept Keep(const T& value) { return value; }
  static T Restore(const Kept& kept) { return kept; }
};

// Has an address, in a vector of them.
template <>
struct Codec<bool> {
  using Kept = std::uint8_t;
  static Kept Keep(bool value) { return value ? 1 : 0; }
  static bool Restore(Kept kept) { return kept != 0; }
};

template <class T>
std::string ShowValue(const T& value) {
  if constexpr (requires(std::ostringstream & out) { out << value.Text(); }) {
    return value.Text();
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else {
    return "";
  }
}

template <class T>
class ObjectOf : public Object {
 public:
  using Kept = typename Codec<T>::Kept;
  using CallFunction = std::optional<int> (*)(T& value, std::int64_t argument);

  explicit ObjectOf(const T& value) {
    values_.push_back(Codec<T>::Keep(value));
  }

  Value Intern(const T& value) {
    const Kept kept = Codec<T>::Keep(value);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (values_[i] == kept) return static_cast<Value>(i);
    }
    CheckRoom(values_.size(), "values of one object");
    values_.push_back(kept);
    return static_cast<Value>(values_.size() - 1);
  }
  const Kept& kept(Value value) const { return values_[value]; }
  T Restore(Value value) const { return Codec<T>::Restore(values_[value]); }

  std::size_t value_count() const override { return values_.size(); }
  void Settle() override {
    values_ = {values_[now]};
    now = 0;
  }
  std::uint64_t Bits(Value value) const override {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::uint64_t>(values_[value]);
    } else {
      return 0;
    }
  }
  std::string Show(Value value) const override {
    if (show != nullptr) return show(values_[value]);
    return ShowValue(values_[value]);
  }

  Effect Apply(const Access& access, Value value) override {
    switch (access.op) {
      case Op::kLoad:
      case Op::kGet:
        return {true, value, value};
      case Op::kStore:
      case Op::kSet:
        return {true, access.a, 0};
      case Op::kExchange:
        return {true, access.a, value};
      case Op::kCas:
        if (value == access.a) return {true, access.b, 1};
        return {true, value, 0};
      case Op::kAdd:
        if (left_out) return {true, value, value};
        if constexpr (std::is_integral_v<T>) {
          return {true,
                  Intern(static_cast<T>(values_[value] +
                                        static_cast<T>(access.number))),
                  value};
        }
        return {};
      case Op::kCall: {
        T changed = Restore(value);
        const auto answer =
            reinterpret_cast<CallFunction>(access.call)(changed, access.number);
        if (!answer) return {false, value, 0};
        return {true, Intern(changed), static_cast<Value>(*answer)};
      }
      case Op::kAcquire:
        return {value == 0, Held(), 0};
      case Op::kTryAcquire:
        return {true, Held(), static_cast<Value>(value == 0)};
      case Op::kRelease:
        return {true, 0, 0};
      case Op::kChoose:
      case Op::kMay:
      case Op::kEnd:
        break;
    }
    return {true, value, 0};
  }

  std::string (*show)(const Kept& value) = nullptr;

 private:
  const void* KeptIf(const std::type_info& type, Value value) const override {
    return type == typeid(Kept) ? &values_[value] : nullptr;
  }

  // A lock's second value; its first is free.
  Value Held() {
    if constexpr (std::is_integral_v<T>) return Intern(1);
    return 1;
  }

  std::vector<Kept> values_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_OBJECT_H_
