#pragma once
#include <cstddef>

namespace gatehouse {

/// Blocks of a few fixed sizes, kept in free lists of the calling thread. On the data path every buffer and every
/// coroutine frame comes from here, so that a request in steady state calls no malloc.
///
/// Owner: a block belongs to the thread that took it and must be given back there. A list keeps at most
/// kMaxKept bytes; what is above goes back to malloc, so a burst does not stay in memory for ever.
class BlockPool {
 public:
  static constexpr std::size_t kSmallStep = 64;      ///< size classes of small blocks are multiples of it
  static constexpr std::size_t kMaxSmall = 4096;     ///< largest small block (coroutine frames)
  static constexpr std::size_t kBuffer = 16 * 1024;  ///< read buffers and arena blocks
  static constexpr std::size_t kLarge = 64 * 1024;   ///< body buffers and log blocks
  static constexpr std::size_t kMaxKept = 4 * 1024 * 1024;

  /// A block of at least `size` bytes, aligned to 16.
  static void* take(std::size_t size);
  /// Gives back a block that take(size) returned, with the same size.
  static void give(void* block, std::size_t size) noexcept;
  /// Frees what this thread keeps; called when a worker ends.
  static void trim() noexcept;
};

/// A buffer of one of the pool's sizes that gives itself back.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  explicit PooledBuffer(std::size_t size) : data_(static_cast<char*>(BlockPool::take(size))), size_(size) {}
  PooledBuffer(PooledBuffer&& other) noexcept : data_(other.data_), size_(other.size_) { other.forget(); }
  PooledBuffer& operator=(PooledBuffer&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = other.data_;
      size_ = other.size_;
      other.forget();
    }
    return *this;
  }
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;
  ~PooledBuffer() { reset(); }

  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }
  void reset() noexcept {
    if (data_ != nullptr) BlockPool::give(data_, size_);
    forget();
  }

 private:
  void forget() noexcept {
    data_ = nullptr;
    size_ = 0;
  }
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
