#include <algorithm>

#include "base/number.h"
#include "config/decode.h"

namespace gatehouse::config {

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') {
      if (++label > 63) return false;
    } else {
      return false;
    }
  }
  // All digits and dots would be an address gone wrong.
  return !std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

std::optional<Address> parse_address(std::string_view text, bool names) {
  Address address;
  if (text.starts_with("unix:")) {
    address.kind = Address::Kind::unix_path;
    address.host = text.substr(5);
    // The kernel's sun_path has 108 bytes with its NUL.
    if (address.host.empty() || address.host.size() > 107) return std::nullopt;
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  address.port = *port;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.contains(':') != bracketed) return std::nullopt;
  if (const auto ip = IpAddress::parse(host)) {
    address.ip = *ip;
    return address;
  }
  if (!names || address.port == 0 || !is_host_name(host)) return std::nullopt;
  address.kind = Address::Kind::name;
  address.host = lower(host);
  return address;
}

}  // namespace gatehouse::config
