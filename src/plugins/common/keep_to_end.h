#pragma once
#include <memory>
#include <new>

#include "plugin/exchange.h"

namespace gatehouse::plugins {

/// The exchange holds `value`, to which it points, to its end. In its arena: no allocation.
template <class T>
const std::shared_ptr<const T>& keep_to_end(plugin::Exchange& x, const std::shared_ptr<const T>& value) {
  using Kept = std::shared_ptr<const T>;
  Kept* const kept = new (x.arena.allocate(sizeof(Kept), alignof(Kept))) Kept(value);
  x.at_end([](void* of) { static_cast<Kept*>(of)->~Kept(); }, kept);
  return *kept;
}

}  // namespace gatehouse::plugins
