#pragma once
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

/// The Date field of RFC 9110 section 5.6.7 for a time in microseconds since 1970. Formatted once a second per thread;
/// the view is valid until this thread's next call.
std::string_view http_date(std::int64_t wall_us);

}  // namespace gatehouse::http
