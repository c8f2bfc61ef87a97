#include "base/arena.h"

namespace gatehouse {

void* Arena::grow(std::size_t size, std::size_t align) {
  const std::size_t needed = sizeof(Block) + size + align;
  const std::size_t block_size = needed <= BlockPool::kBuffer ? BlockPool::kBuffer : needed;
  auto* block = static_cast<Block*>(BlockPool::take(block_size));
  block->previous = blocks_;
  block->size = block_size;
  blocks_ = block;
  next_ = reinterpret_cast<std::uintptr_t>(block) + sizeof(Block);
  end_ = reinterpret_cast<std::uintptr_t>(block) + block_size;
  return allocate(size, align);
}

void Arena::reset() noexcept {
  while (blocks_ != nullptr) {
    Block* previous = blocks_->previous;
    BlockPool::give(blocks_, blocks_->size);
    blocks_ = previous;
  }
  next_ = end_ = kNowhere;
}

}  // namespace gatehouse
