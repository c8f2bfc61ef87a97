#pragma once
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "http/head.h"

namespace gatehouse::http {

/// The most bytes that writing `fields` can take.
std::size_t fields_size(const Fields& fields);

/// Writes "name: value CRLF" for each field that is not removed; gives the end. `to` has fields_size() bytes.
/// Content-Length, Transfer-Encoding and Connection lines are skipped: the stream that sends the message writes its
/// own.
char* write_fields(char* to, const Fields& fields);

inline char* put(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());  // an empty view may point nowhere
  return to + text.size();
}
/// Decimal; needs up to 20 bytes.
inline char* put_number(char* to, std::uint64_t number) {
  return std::to_chars(to, to + 20, number).ptr;
}

/// "1f4a\r\n": the line in front of a chunk. `to` has kMaxChunkHead bytes.
inline constexpr std::size_t kMaxChunkHead = 18;
char* put_chunk_head(char* to, std::uint64_t size);

}  // namespace gatehouse::http
