#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/redis_reply.h"

struct redisReader;

namespace gatehouse::redis {

/// A command and its arguments. What they point to outlives the call, and where that is awaited, the wait.
using Arguments = std::span<const std::string_view>;

/// There is no answer: no connection, or none any more.
inline RedisResult unavailable(std::string_view why, bool sent = false) {
  return std::unexpected(RedisError{RedisError::Fault::unavailable, why, sent});
}

/// AUTH with what there is of a username and a password, in `words`; empty where there is neither.
Arguments auth_command(std::span<std::string_view, 3> words, std::string_view username, std::string_view password);

/// Appends the command as RESP: an array of bulk strings.
void append_command(std::string& to, Arguments arguments);

/// `reply` with all that it points to, in `arena`.
RedisReply copy(const RedisReply& reply, Arena& arena);

/// Takes replies (RESP2, by hiredis) out of bytes as they come. One thread: its arena's.
class ReplyReader {
 public:
  static constexpr std::size_t kMostBytes = 1024 * 1024;   ///< of one reply
  static constexpr std::size_t kMostElements = 64 * 1024;  ///< of one reply's arrays

  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  enum class Step : std::uint8_t { reply, more, failed };
  void feed(std::string_view bytes);
  /// The next reply; it holds until the next call. After `failed` (see error()) nothing more comes.
  Step next(RedisReply& to);
  /// Why it failed: no RESP, or larger than allowed. A literal.
  const char* error() const { return error_; }
  /// Begins anew, for another connection.
  void reset();

 private:
  friend struct Builder;
  Step failed(const char* why);

  redisReader* reader_;
  Arena arena_;  ///< of the reply that is being built or was given last
  bool given_ = false;
  std::size_t elements_ = 0;
  std::size_t fed_ = 0, complete_ = 0;  ///< bytes so far, and those of complete replies
  const char* error_ = "";
};

}  // namespace gatehouse::redis
