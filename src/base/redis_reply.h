#pragma once
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

/// What a Redis server answered to one command: a tree of values in somebody's arena, which it must not outlive.
/// Trivially copyable.
struct RedisReply {
  enum class Kind : std::uint8_t { nil, integer, string, status, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string_view text = {};         ///< of a string, a status ("OK") and an error ("WRONGTYPE …")
  const RedisReply* first = nullptr;  ///< of an array
  std::uint32_t count = 0;

  std::span<const RedisReply> items() const { return {first, count}; }
  bool is_nil() const { return kind == Kind::nil; }
  bool is_integer() const { return kind == Kind::integer; }
};

/// Why a command got no value.
struct RedisError {
  enum class Fault : std::uint8_t {
    unavailable,  ///< there is no connection
    timeout,      ///< no answer in time
    overloaded,   ///< too many commands are under way: it was not sent
    server,       ///< the server answered with an error: `text`
    cancelled,    ///< who asked has gone
  };
  Fault fault = Fault::unavailable;
  std::string_view text = {};  ///< for logs and people, in the arena of the one who asked or a literal
  /// It was sent, or will be, and there is no answer: the server may have executed it, or still may.
  bool sent = false;
  /// Whether the server's error begins with `word`: "NOAUTH", "OOM", "LOADING" …
  bool says(std::string_view word) const { return fault == Fault::server && text.starts_with(word); }
};
using RedisResult = std::expected<RedisReply, RedisError>;

/// A Lua script as the server knows it. Made once; a value.
struct RedisScript {
  std::string text;
  std::string sha;  ///< SHA-1 of the text in hex
};

}  // namespace gatehouse
