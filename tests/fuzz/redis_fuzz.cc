#include <algorithm>
#include <cstdlib>
#include <string>

#include "fuzz/fuzz.h"
#include "redis/slots.h"
#include "redis/wire.h"

// What a Redis answers: bytes to replies, whatever the pieces in which they come, and what the cluster's answers say.

namespace gatehouse {
namespace {

/// Writes what can be told of a reply; nothing in it may lie outside of memory.
void describe(const RedisReply& reply, std::string& to) {
  to += static_cast<char>('0' + static_cast<int>(reply.kind));
  to += std::to_string(reply.integer);
  to += reply.text;
  to += '(';
  for (const RedisReply& item : reply.items()) describe(item, to);
  to += ')';
}

/// All replies in `bytes`, fed in pieces of `piece` bytes; a "!" at the end where it failed.
std::string read_all(std::string_view bytes, std::size_t piece) {
  redis::ReplyReader reader;
  std::string all;
  const redis::Address asked{"asked.test", 1};
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    reader.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
    RedisReply reply;
    redis::ReplyReader::Step step;
    while ((step = reader.next(reply)) == redis::ReplyReader::Step::reply) {
      Arena arena;
      std::string original, copied;
      describe(reply, original);
      describe(redis::copy(reply, arena), copied);
      if (original != copied) std::abort();
      all += original;
      redis::read_slots(reply, asked, [&](unsigned from, unsigned to, const redis::Address& master) {
        if (from > to || to >= redis::kSlots || master.port == 0) std::abort();
      });
      if (reply.kind == RedisReply::Kind::error) {
        const auto found = redis::redirection({RedisError::Fault::server, reply.text}, asked);
        if (found && (found->slot >= redis::kSlots || found->to.port == 0)) std::abort();
      }
    }
    if (step == redis::ReplyReader::Step::failed) return all + "!";
  }
  return all;
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = gatehouse::read_all(bytes, size + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    if (gatehouse::read_all(bytes, piece) != whole) std::abort();
  }
  return 0;
}
