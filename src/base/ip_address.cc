#include "base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/number.h"

namespace gatehouse {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t kV4Bits = 96;

std::array<std::uint8_t, 16> mapped(const void* v4) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
  std::memcpy(bytes.data() + kV4Prefix.size(), v4, 4);
  return bytes;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[kMaxText];
  if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  // inet_pton takes neither zones nor shortened IPv4 forms ("127.1"), and no octet with a leading zero.
  if (in_addr v4; inet_pton(AF_INET, buffer, &v4) == 1) return IpAddress(mapped(&v4));
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, buffer, bytes.data()) == 1) return IpAddress(bytes);
  return std::nullopt;
}

IpAddress IpAddress::from(const sockaddr& address) {
  // Copied out, since a sockaddr need not be aligned as the type it stands for.
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return IpAddress(mapped(&v4.sin_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return IpAddress(bytes);
  }
  return {};
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::size_t IpAddress::write(char* to) const {
  if (!is_v4()) {
    inet_ntop(AF_INET6, bytes_.data(), to, kMaxText);
    return std::strlen(to);
  }
  // IPv4 by hand: every request needs it, and libc's formatting takes a tenth of what a request costs.
  char* at = to;
  for (std::size_t i = kV4Prefix.size(); i < bytes_.size(); ++i) {
    if (i != kV4Prefix.size()) *at++ = '.';
    at = std::to_chars(at, to + kMaxText, bytes_[i]).ptr;
  }
  return static_cast<std::size_t>(at - to);
}

IpAddress IpAddress::masked(int bits) const {
  IpAddress result = *this;
  const int kept = is_v4() ? 96 + bits : bits;
  for (int byte = 0; byte < 16; ++byte) {
    const int left = std::clamp(kept - 8 * byte, 0, 8);
    result.bytes_[static_cast<std::size_t>(byte)] &= static_cast<std::uint8_t>(0xff00 >> left);
  }
  return result;
}

std::string IpAddress::text() const {
  char buffer[kMaxText];
  return std::string(buffer, write(buffer));
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  // The prefix counts in the notation that was written: "::ffff:10.0.0.0/104" is 10.0.0.0/8.
  const bool dotted = host.find(':') == std::string_view::npos;
  unsigned prefix = dotted ? 32 : 128;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto written = parse_number<unsigned>(digits);
    if (!written || *written > prefix || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    prefix = *written;
  }
  Cidr block;
  block.bits_ = static_cast<std::uint8_t>(dotted ? kV4Bits + prefix : prefix);
  std::array<std::uint8_t, 16> bytes = address->bytes();
  for (unsigned i = 0; i < bytes.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(block.bits_) - static_cast<int>(i * 8), 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00 >> kept));
  }
  block.network_ = IpAddress(bytes);
  return block;
}

bool Cidr::contains(const IpAddress& address) const {
  // An IPv6 block does not take in the IPv4 addresses that are stored inside ::ffff:0:0/96: "::/0" is not "any IPv4".
  if (bits_ < kV4Bits && address.is_v4()) return false;
  const auto& network = network_.bytes();
  const auto& bytes = address.bytes();
  const std::size_t whole = bits_ / 8;
  if (std::memcmp(network.data(), bytes.data(), whole) != 0) return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || ((network[whole] ^ bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

std::string Cidr::text() const {
  const bool v4 = bits_ >= kV4Bits && network_.is_v4();
  return network_.text() + "/" + std::to_string(v4 ? bits_ - kV4Bits : bits_);
}

}  // namespace gatehouse
