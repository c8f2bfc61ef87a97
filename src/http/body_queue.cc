#include "http/body_queue.h"

#include <algorithm>
#include <cstring>

#include "base/block_pool.h"

namespace gatehouse::http {

struct BodyQueue::Block {
  Block* next = nullptr;
  std::uint32_t size;  ///< of the whole block
  std::uint32_t begin = sizeof(Block);
  std::uint32_t end = sizeof(Block);

  char* bytes() { return reinterpret_cast<char*>(this); }
  std::size_t room() const { return size - end; }

  static Block* make(std::size_t wanted) {
    // A small body does not take a large block.
    const std::size_t size =
        wanted + sizeof(Block) <= BlockPool::kMaxSmall ? BlockPool::kMaxSmall : std::size_t{BlockPool::kBuffer};
    auto* block = static_cast<Block*>(BlockPool::take(size));
    new (block) Block{.size = static_cast<std::uint32_t>(size)};
    return block;
  }
};

void BodyQueue::push(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (last_ == nullptr || last_->room() == 0) {
      Block* const block = Block::make(bytes.size());
      (last_ == nullptr ? first_ : last_->next) = block;
      last_ = block;
    }
    const std::size_t count = std::min(bytes.size(), last_->room());
    std::memcpy(last_->bytes() + last_->end, bytes.data(), count);
    last_->end += static_cast<std::uint32_t>(count);
    bytes.remove_prefix(count);
  }
}

std::string_view BodyQueue::front() const {
  if (first_ == nullptr) return {};
  return {first_->bytes() + first_->begin, first_->end - first_->begin};
}

void BodyQueue::pop(std::size_t bytes) {
  if (bytes == 0) return;
  size_ -= bytes;
  first_->begin += static_cast<std::uint32_t>(bytes);
  if (first_->begin != first_->end) return;
  Block* const empty = first_;
  first_ = empty->next;
  if (first_ == nullptr) last_ = nullptr;
  BlockPool::give(empty, empty->size);
}

void BodyQueue::clear() {
  while (first_ != nullptr) pop(front().size());
}

}  // namespace gatehouse::http
