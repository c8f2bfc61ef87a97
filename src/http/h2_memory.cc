#include <cstring>
#include <limits>

#include "base/block_pool.h"
#include "http/h2_callbacks.h"

namespace gatehouse::http {
namespace {

/// In front of each block, since whoever gives it back does not say its size.
struct alignas(16) Header {
  std::size_t size;  ///< of the whole block
};

void* take(std::size_t size, void*) {
  const std::size_t whole = size + sizeof(Header);
  auto* header = static_cast<Header*>(BlockPool::take(whole));
  header->size = whole;
  return header + 1;
}

void give(void* block, void*) {
  if (block == nullptr) return;
  Header* const header = static_cast<Header*>(block) - 1;
  BlockPool::give(header, header->size);
}

void* take_zeroed(std::size_t count, std::size_t size, void* user) {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / 2 / size) return nullptr;
  void* const block = take(count * size, user);
  std::memset(block, 0, count * size);
  return block;
}

void* change(void* block, std::size_t size, void* user) {
  if (block == nullptr) return take(size, user);
  const std::size_t had = (static_cast<Header*>(block) - 1)->size - sizeof(Header);
  if (size <= had && had - size < 1024) return block;
  void* const other = take(size, user);
  std::memcpy(other, block, had < size ? had : size);
  give(block, user);
  return other;
}

}  // namespace

nghttp2_mem* h2_memory() {
  static nghttp2_mem memory{nullptr, take, give, take_zeroed, change};
  return &memory;
}

}  // namespace gatehouse::http
