#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace gatehouse {

/// An IPv4 or IPv6 address; IPv4 is kept as ::ffff:a.b.c.d, so that both compare and match alike. 16 bytes, a value.
class IpAddress {
 public:
  /// The unspecified address `::`; what a Unix socket's peer has.
  IpAddress() = default;
  explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}
  /// "10.0.0.1", "2001:db8::1"; also "::ffff:10.0.0.1". No brackets, no port, no zone.
  static std::optional<IpAddress> parse(std::string_view text);
  /// From AF_INET or AF_INET6; another family gives the unspecified address.
  static IpAddress from(const sockaddr& address);

  bool is_v4() const;
  bool is_loopback() const;
  bool unspecified() const { return *this == IpAddress(); }
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  /// With all but the first `bits` cleared, of 32 for IPv4, else of 128.
  IpAddress masked(int bits) const;

  static constexpr std::size_t kMaxText = 46;
  /// Writes the usual text form (IPv4 dotted, IPv6 per RFC 5952) to `to` (kMaxText bytes) and gives its length.
  std::size_t write(char* to) const;
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// A block of addresses in CIDR notation.
class Cidr {
 public:
  /// "10.0.0.0/8", "::1/128"; an address alone is the block of itself. Host bits may be set; they are ignored.
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  /// Canonical text: host bits cleared, IPv4 with a prefix of 0 to 32.
  std::string text() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  IpAddress network_;
  std::uint8_t bits_ = 0;  ///< of 128
};

}  // namespace gatehouse
