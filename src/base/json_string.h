#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

/// Writes `text` as what stands between the quotes of a JSON string (RFC 8259, section 7) and gives the end. At most
/// kMostJsonBytes for each byte of it. Controls are escaped; what is not UTF-8 becomes U+FFFD, byte by byte.
char* put_json_escaped(char* to, std::string_view text);
inline constexpr std::size_t kMostJsonBytes = 6;

/// The same with its quotes, behind what `to` has.
void append_json_string(std::string& to, std::string_view text);
std::string json_string(std::string_view text);

}  // namespace gatehouse
