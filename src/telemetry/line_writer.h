#pragma once
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gatehouse::telemetry {

/// Appends to a fixed range of bytes. What does not fit whole is not written, and from then on nothing is: ask full()
/// once at the end. No allocation.
class LineWriter {
 public:
  LineWriter(char* to, std::size_t size) : start_(to), at_(to), end_(to + size) {}

  bool full() const { return full_; }
  /// Bytes written.
  std::size_t size() const { return static_cast<std::size_t>(at_ - start_); }

  /// As it is.
  void text(std::string_view plain) {
    if (!room(plain.size())) return;
    std::memcpy(at_, plain.data(), plain.size());
    at_ += plain.size();
  }
  void number(std::uint64_t value) {
    const auto done = std::to_chars(at_, end_, value);
    if (full_ || done.ec != std::errc()) {
      full_ = true;
    } else {
      at_ = done.ptr;
    }
  }
  /// Microseconds as milliseconds with three decimals: 1234 is 1.234.
  void millis(std::uint64_t us) {
    number(us / 1000);
    const auto rest = static_cast<unsigned>(us % 1000);
    const char digits[4] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                            static_cast<char>('0' + rest % 10)};
    text({digits, sizeof digits});
  }
  /// The inside of a JSON string (RFC 8259 section 7). Control characters of Unicode too and the line separators U+2028
  /// and U+2029 are escaped; a byte that is not UTF-8 becomes \ufffd.
  void json(std::string_view value) { escape<true>(value); }
  /// For a line of text: control characters, quotes, backslashes and what is not UTF-8 become \xHH, byte by byte.
  void visible(std::string_view value) { escape<false>(value); }

 private:
  bool room(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) full_ = true;
    return !full_;
  }
  template <bool Json>
  void escape(std::string_view value);
  template <bool Json>
  std::size_t escape_one(std::string_view rest);

  char* start_;
  char* at_;
  char* end_;
  bool full_ = false;
};

}  // namespace gatehouse::telemetry
