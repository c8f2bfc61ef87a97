#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

/// Bytes that have come and nobody has read yet, in blocks of the thread's BlockPool. How much it holds is bounded by
/// who fills it (a flow-control window). One thread.
class BodyQueue {
 public:
  BodyQueue() = default;
  BodyQueue(const BodyQueue&) = delete;
  BodyQueue& operator=(const BodyQueue&) = delete;
  ~BodyQueue() { clear(); }

  void push(std::string_view bytes);
  /// The oldest bytes that lie together, empty if there are none; valid until they are popped.
  std::string_view front() const;
  /// Drops `bytes` of front().
  void pop(std::size_t bytes);
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();

 private:
  struct Block;
  Block* first_ = nullptr;
  Block* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gatehouse::http
