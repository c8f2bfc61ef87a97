#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>

/// Replaces the program's operator new by one that counts: included in one file of a test program. The array, sized and
/// aligned forms end here or in malloc's own. A sanitizer brings operators of its own: with one nothing is counted.
namespace gatehouse::counted_new {
inline thread_local std::size_t allocations = 0;
#ifdef GATEHOUSE_SANITIZED
inline constexpr bool kCounts = false;
#else
inline constexpr bool kCounts = true;
#endif
}  // namespace gatehouse::counted_new

#ifndef GATEHOUSE_SANITIZED
void* operator new(std::size_t size) {
  ++gatehouse::counted_new::allocations;
  if (void* const block = std::malloc(size)) return block;
  std::abort();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
#endif
