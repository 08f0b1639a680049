// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/world.h"

#include <mutex>
#include <utility>
#include <vector>

namespace netpoll::model {
namespace {

thread_local World* current_world = nullptr;

}  // namespace

Object::Object() {
  if (current_world != nullptr) index = current_world->Register(this);
}

World::World() { current_world = this; }

// One whose construction was left has not settled.
World::~World() {
  if (current_world == this) current_world = nullptr;
}

World* World::Current() { return current_world; }

void World::KeepForEver(void* thing) {
  static std::mutex& mutex = *new std::mutex;
  static auto& kept = *new std::vector<void*>;
  const std::lock_guard<std::mutex> hold(mutex);  // Worlds are made by workers.
  kept.push_back(thing);
}

int World::Register(Object* object) {
  objects_.push_back(object);
  return static_cast<int>(objects_.size()) - 1;
}

int World::AddThread(std::string name, std::function<void(Thread&)> body) {
  auto task = std::make_unique<ObjectOf<int>>(0);
  task->name = name + ".runnable";
  threads_.push_back({std::move(name), std::move(body), task.get()});
  tasks_.push_back(std::move(task));
  return static_cast<int>(threads_.size()) - 1;
}

Object* World::ObjectAt(const std::string& site) const {
  const auto found = seen_at_.find(site);
  return found == seen_at_.end() ? nullptr : found->second;
}

void World::Saw(const Access& access) {
  if (access.object != nullptr) seen_at_[access.site] = access.object;
}

void World::Settle() {
  for (Object* object : objects_) object->Settle();
  current_world = nullptr;
}

}  // namespace netpoll::model
