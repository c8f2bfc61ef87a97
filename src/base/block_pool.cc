#include "base/block_pool.h"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
#define GATEHOUSE_POOL_OFF 1  // so that AddressSanitizer sees every block's true lifetime
#endif

namespace gatehouse {
namespace {

struct FreeBlock {
  FreeBlock* next;
};

constexpr std::size_t kSmallClasses = BlockPool::kMaxSmall / BlockPool::kSmallStep;
constexpr std::size_t kClasses = kSmallClasses + 2;

[[maybe_unused]] std::size_t class_of(std::size_t size) {
  if (size <= BlockPool::kMaxSmall) return size == 0 ? 0 : (size - 1) / BlockPool::kSmallStep;
  if (size <= BlockPool::kBuffer) return kSmallClasses;
  if (size <= BlockPool::kLarge) return kSmallClasses + 1;
  return kClasses;
}

[[maybe_unused]] std::size_t class_size(std::size_t index) {
  if (index < kSmallClasses) return (index + 1) * BlockPool::kSmallStep;
  return index == kSmallClasses ? BlockPool::kBuffer : BlockPool::kLarge;
}

/// Has no destructor, so that using it costs no check whether it was constructed.
struct Lists {
  FreeBlock* head[kClasses] = {};
  std::size_t count[kClasses] = {};
  bool ended = false;

  void clear() noexcept {
    for (std::size_t i = 0; i < kClasses; ++i) {
      while (head[i] != nullptr) {
        FreeBlock* next = head[i]->next;
        std::free(head[i]);
        head[i] = next;
      }
      count[i] = 0;
    }
  }
};

constinit thread_local Lists lists;

/// Empties the lists at the end of a thread that has allocated.
struct AtThreadEnd {
  ~AtThreadEnd() {
    lists.ended = true;
    lists.clear();
  }
  void remember() {}
};
thread_local AtThreadEnd at_thread_end;

void* allocate(std::size_t size) {
  at_thread_end.remember();
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void* BlockPool::take(std::size_t size) {
#ifdef GATEHOUSE_POOL_OFF
  return allocate(size);
#else
  const std::size_t index = class_of(size);
  if (index == kClasses) return allocate(size);
  if (FreeBlock* block = lists.head[index]; block != nullptr) [[likely]] {
    lists.head[index] = block->next;
    --lists.count[index];
    return block;
  }
  return allocate(class_size(index));
#endif
}

void BlockPool::give(void* block, std::size_t size) noexcept {
#ifdef GATEHOUSE_POOL_OFF
  std::free(block);
#else
  const std::size_t index = class_of(size);
  if (index == kClasses || lists.ended || lists.count[index] * class_size(index) >= kMaxKept) {
    std::free(block);
    return;
  }
  auto* free_block = static_cast<FreeBlock*>(block);
  free_block->next = lists.head[index];
  lists.head[index] = free_block;
  ++lists.count[index];
#endif
}

void BlockPool::trim() noexcept {
  lists.clear();
}

}  // namespace gatehouse
