#include "http/proxy_protocol.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/number.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kHead2 = 16;
constexpr std::size_t kMaxRest2 = 4096;
constexpr std::string_view kPrefix1 = "PROXY ";
constexpr std::size_t kMaxLine1 = 107;

bool agree(std::string_view bytes, std::string_view prefix) {
  const std::size_t size = std::min(bytes.size(), prefix.size());
  return bytes.substr(0, size) == prefix.substr(0, size);
}

/// The text up to the next space or the end, which `text` loses together with the space.
std::string_view next_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return parse_number<std::uint16_t>(text);
}

Parse parse_text(std::string_view bytes, ProxyHeader& header) {
  const std::size_t lf = bytes.substr(0, kMaxLine1).find('\n');
  if (lf == std::string_view::npos) return bytes.size() < kMaxLine1 ? Parse::incomplete : Parse::failed;
  if (bytes[lf - 1] != '\r') return Parse::failed;
  std::string_view line = bytes.substr(kPrefix1.size(), lf - 1 - kPrefix1.size());
  if (line.find('\r') != std::string_view::npos) return Parse::failed;
  header = {};
  header.size = lf + 1;
  // How many words follow is known, so a line that ends in a space or has one too many is told by its count.
  const auto spaces = std::count(line.begin(), line.end(), ' ');
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") {
    header.local = true;
    return Parse::complete;
  }
  if (spaces != 4 || (family != "TCP4" && family != "TCP6")) return Parse::failed;
  const std::string_view source_text = next_word(line);
  const std::string_view destination_text = next_word(line);
  const auto source = IpAddress::parse(source_text);
  const auto destination = IpAddress::parse(destination_text);
  const auto source_port = parse_port(next_word(line));
  const auto destination_port = parse_port(next_word(line));
  if (!source || !destination || !source_port || !destination_port) return Parse::failed;
  const bool six = family == "TCP6";
  if ((source_text.find(':') != std::string_view::npos) != six) return Parse::failed;
  if ((destination_text.find(':') != std::string_view::npos) != six) return Parse::failed;
  header.source = *source;
  header.source_port = *source_port;
  header.destination = *destination;
  header.destination_port = *destination_port;
  return Parse::complete;
}

std::uint16_t big_endian(const char* at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(at[0]) << 8 | static_cast<unsigned char>(at[1]));
}

IpAddress binary_address(const char* at, std::size_t size) {
  std::array<std::uint8_t, 16> bytes{};
  if (size == 4) bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + (16 - size), at, size);
  return IpAddress(bytes);
}

Parse parse_binary(std::string_view bytes, ProxyHeader& header) {
  if (bytes.size() < kHead2) return Parse::incomplete;
  const auto version_command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  const std::size_t rest = big_endian(bytes.data() + 14);
  if (version_command != 0x20 && version_command != 0x21) return Parse::failed;
  if (rest > kMaxRest2) return Parse::failed;
  if (bytes.size() < kHead2 + rest) return Parse::incomplete;
  header = {};
  header.size = kHead2 + rest;
  // The family of a LOCAL header is to be ignored, whatever it says.
  if (version_command == 0x20) {
    header.local = true;
    return Parse::complete;
  }
  if (family >> 4 > 3 || (family & 15) > 2) return Parse::failed;
  if ((family & 15) == 0 || family >> 4 == 0 || family >> 4 == 3) {
    header.local = true;
    return Parse::complete;
  }
  const std::size_t address = family >> 4 == 1 ? 4 : 16;
  if (rest < 2 * address + 4) return Parse::failed;
  const char* const at = bytes.data() + kHead2;
  header.source = binary_address(at, address);
  header.destination = binary_address(at + address, address);
  header.source_port = big_endian(at + 2 * address);
  header.destination_port = big_endian(at + 2 * address + 2);
  return Parse::complete;
}

}  // namespace

Parse parse_proxy_header(std::string_view bytes, ProxyHeader& header) {
  if (agree(bytes, kSignature))
    return bytes.size() < kSignature.size() ? Parse::incomplete : parse_binary(bytes, header);
  if (agree(bytes, kPrefix1)) return bytes.size() < kPrefix1.size() ? Parse::incomplete : parse_text(bytes, header);
  return Parse::failed;
}

}  // namespace gatehouse::http
