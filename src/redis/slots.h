#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/redis_reply.h"
#include "redis/options.h"

namespace gatehouse::redis {

/// Redis Cluster spreads keys over this many slots.
inline constexpr unsigned kSlots = 16384;

/// CRC-16/XMODEM, as the cluster specification wants it.
std::uint16_t crc16(std::string_view text);
/// The slot of a key: of its hash tag, what stands between its first "{" and the next "}", if that is not empty.
unsigned slot_of(std::string_view key);

/// "MOVED 3999 127.0.0.1:6381" or "ASK …": where a slot is, or is on its way to.
struct Redirection {
  bool ask = false;
  unsigned slot = 0;
  Address to;
};
/// nullopt: it is none. `asked`: who said so; its host where the text has none.
std::optional<Redirection> redirection(const RedisError& error, const Address& asked);

/// Reads the answer to CLUSTER SLOTS: calls `has(from, to, master)` for each range of slots. False: it is no such
/// answer.
bool read_slots(const RedisReply& reply, const Address& asked,
                const std::function<void(unsigned from, unsigned to, const Address& master)>& has);

}  // namespace gatehouse::redis
