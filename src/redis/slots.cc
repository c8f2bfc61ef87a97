#include "redis/slots.h"

#include <array>

#include "base/number.h"

namespace gatehouse::redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr std::array<std::uint16_t, 256> kCrc = make_crc_table();

}  // namespace

std::uint16_t crc16(std::string_view text) {
  unsigned crc = 0;
  for (const char c : text) crc = (crc << 8) ^ kCrc[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xffU];
  return static_cast<std::uint16_t>(crc);
}

unsigned slot_of(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % kSlots;
}

std::optional<Redirection> redirection(const RedisError& error, const Address& asked) {
  Redirection found;
  found.ask = error.says("ASK ");
  if (!found.ask && !error.says("MOVED ")) return std::nullopt;
  std::string_view rest = error.text.substr(found.ask ? 4 : 6);
  if (!take_number(rest, found.slot) || found.slot >= kSlots || !rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  const std::size_t colon = rest.rfind(':');  // an IPv6 address has more of them, and no brackets
  if (colon == std::string_view::npos) return std::nullopt;
  found.to.port = parse_number<std::uint16_t>(rest.substr(colon + 1)).value_or(0);
  if (found.to.port == 0) return std::nullopt;
  found.to.host = rest.substr(0, colon);
  if (found.to.host.empty() || found.to.host == "?") found.to.host = asked.host;
  return found;
}

bool read_slots(const RedisReply& reply, const Address& asked,
                const std::function<void(unsigned from, unsigned to, const Address& master)>& has) {
  using Kind = RedisReply::Kind;
  if (reply.kind != Kind::array) return false;
  for (const RedisReply& range : reply.items()) {
    if (range.kind != Kind::array || range.count < 3) return false;
    const RedisReply &from = range.first[0], &to = range.first[1], &master = range.first[2];
    const bool numbers =
        from.is_integer() && to.is_integer() && from.integer >= 0 && from.integer <= to.integer && to.integer < kSlots;
    if (!numbers || master.kind != Kind::array || master.count < 2) return false;
    const RedisReply &host = master.first[0], &port = master.first[1];
    if (!port.is_integer() || port.integer <= 0 || port.integer > UINT16_MAX) return false;
    const bool named = host.kind == Kind::string && !host.text.empty() && host.text != "?";
    has(static_cast<unsigned>(from.integer), static_cast<unsigned>(to.integer),
        {named ? std::string(host.text) : asked.host, static_cast<std::uint16_t>(port.integer)});
  }
  return true;
}

}  // namespace gatehouse::redis
