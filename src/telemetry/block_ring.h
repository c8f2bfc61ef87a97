#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>

namespace gatehouse::telemetry {

/// A bounded queue of blocks from many threads to one (a ticket per slot, after Vyukov's bounded queue). Lock-free;
/// data is copied in. Memory is touched only as far as it is used.
class BlockRing {
 public:
  /// `slots` is a power of two.
  BlockRing(std::size_t slots, std::size_t block_size)
      : slots_(std::make_unique<Slot[]>(slots)), mask_(slots - 1), block_size_(block_size) {
    for (std::size_t i = 0; i < slots; ++i) {
      slots_[i].ticket.store(i, std::memory_order_relaxed);
      slots_[i].data = std::make_unique_for_overwrite<char[]>(block_size);
    }
  }

  struct Block {
    const char* data;
    std::size_t size;
    std::uint32_t lines;
  };

  /// Any thread. False: full, or larger than a block.
  bool push(const char* data, std::size_t size, std::uint32_t lines) {
    if (size > block_size_) return false;
    std::uint64_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[at & mask_];
      const auto ahead = static_cast<std::int64_t>(slot.ticket.load(std::memory_order_acquire) - at);
      if (ahead < 0) return false;
      if (ahead > 0) {
        at = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        std::memcpy(slot.data.get(), data, size);
        slot.size = size;
        slot.lines = lines;
        slot.ticket.store(at + 1, std::memory_order_release);
        return true;
      }
    }
  }
  /// The reader's thread: the block `ahead` places after the oldest, as far as it and all before it are there. It stays
  /// valid until pop().
  bool peek(std::size_t ahead, Block& block) const {
    const std::uint64_t at = head_ + ahead;
    const Slot& slot = slots_[at & mask_];
    if (slot.ticket.load(std::memory_order_acquire) != at + 1) return false;
    block = {slot.data.get(), slot.size, slot.lines};
    return true;
  }
  /// The reader's thread: gives the oldest block's place back.
  void pop() {
    slots_[head_ & mask_].ticket.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
  }
  /// Blocks that were ever pushed. Any thread.
  std::uint64_t pushed() const { return tail_.load(std::memory_order_acquire); }

 private:
  struct Slot {
    std::atomic<std::uint64_t> ticket{0};  ///< the position it waits for; one more once it is filled
    std::size_t size = 0;
    std::uint32_t lines = 0;
    std::unique_ptr<char[]> data;
  };
  std::unique_ptr<Slot[]> slots_;
  const std::uint64_t mask_;
  const std::size_t block_size_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::uint64_t head_ = 0;
};

}  // namespace gatehouse::telemetry
