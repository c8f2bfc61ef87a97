// Addresses and blocks of addresses, against the C library's reading.
#include <arpa/inet.h>

#include "base/ip_address.h"
#include "fuzz/fuzz.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

void check_address(std::string_view text) {
  const auto address = IpAddress::parse(text);
  std::array<std::uint8_t, 16> v6{};
  std::array<std::uint8_t, 4> v4{};
  const std::string terminated(text);
  const bool has_nul = text.find('\0') != std::string_view::npos;
  const bool is_v4 = !has_nul && ::inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1;
  const bool is_v6 = !has_nul && ::inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1;
  require(address.has_value() == (is_v4 || is_v6), "read by both or by none");
  if (!address) return;
  if (is_v4) {
    v6 = {};
    v6[10] = v6[11] = 0xff;
    std::copy(v4.begin(), v4.end(), v6.begin() + 12);
  }
  require(address->bytes() == v6, "the same bytes");
  const std::string written = address->text();
  require(written.size() < IpAddress::kMaxText && IpAddress::parse(written) == address, "its text is read as itself");
  if (!address->is_v4()) {
    char canonical[INET6_ADDRSTRLEN];
    ::inet_ntop(AF_INET6, address->bytes().data(), canonical, sizeof canonical);
    std::array<std::uint8_t, 16> again{};
    require(::inet_pton(AF_INET6, written.c_str(), again.data()) == 1 && again == address->bytes(), "for all readers");
  }
}

void check_block(std::string_view text) {
  const auto block = Cidr::parse(text);
  if (const auto address = IpAddress::parse(text)) {
    require(block.has_value() && block->contains(*address), "an address is the block of itself");
  }
  if (!block) return;
  const std::string written = block->text();
  require(Cidr::parse(written) == block, "its text is read as itself");
  require_equal(Cidr::parse(written)->text(), written, "its text is canonical");
  const auto address = IpAddress::parse(text.substr(0, text.find('/')));
  require(address.has_value(), "a block is written with an address");
  // An IPv6 block that is wider than ::ffff:0:0/96 does not take in IPv4.
  const bool wide = address->is_v4() && written.find(':') != std::string::npos;
  require(block->contains(*address) == !wide, "a block holds the address that it was written with");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  check_address(input);
  check_block(input);
  return 0;
}
