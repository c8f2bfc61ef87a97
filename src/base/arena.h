#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/block_pool.h"

namespace gatehouse {

/// Bump allocation for what lives as long as one exchange (or one snapshot build). Nothing is destroyed
/// one by one: only trivially destructible objects go in. Memory goes back to the BlockPool with the arena, on
/// the thread that made it.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { reset(); }

  /// `size` bytes aligned to `align` (a power of two, at most 16). Never null.
  void* allocate(std::size_t size, std::size_t align = 8) {
    std::uintptr_t at = (next_ + (align - 1)) & ~(align - 1);
    if (at + size > end_) [[unlikely]] {
      return grow(size, align);
    }
    next_ = at + size;
    return reinterpret_cast<void*>(at);
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  template <class T>
  T* array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
  }

  /// A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text) {
    char* to = static_cast<char*>(allocate(text.size(), 1));
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  /// The concatenation of `parts` as one string in the arena.
  template <class... Parts>
  std::string_view concat(const Parts&... parts) {
    const std::size_t size = (std::string_view(parts).size() + ... + 0);
    char* const start = static_cast<char*>(allocate(size, 1));
    char* to = start;
    (append(to, std::string_view(parts)), ...);
    return {start, size};
  }

  /// Room for up to `size` bytes whose final length is not known yet: write there, then call take_back.
  char* reserve(std::size_t size) { return static_cast<char*>(allocate(size, 1)); }
  /// Returns the unused `rest` bytes of the last reserve.
  void take_back(std::size_t rest) { next_ -= rest; }

  /// Gives all memory back to the pool.
  void reset() noexcept;
  /// Uses [data, data + size) as the first block; it stays the caller's.
  void adopt(char* data, std::size_t size) {
    next_ = reinterpret_cast<std::uintptr_t>(data);
    end_ = next_ + size;
  }

 private:
  struct Block {
    Block* previous;
    std::size_t size;
  };
  static void append(char*& to, std::string_view part) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  void* grow(std::size_t size, std::size_t align);

  static constexpr std::uintptr_t kNowhere = 1;  ///< not 0, so that an empty allocation is not null

  std::uintptr_t next_ = kNowhere;
  std::uintptr_t end_ = kNowhere;
  Block* blocks_ = nullptr;
};

}  // namespace gatehouse
