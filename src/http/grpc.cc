#include "http/grpc.h"

#include <algorithm>

#include "base/percent.h"
#include "http/field.h"

namespace gatehouse::http {

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (content_type.size() < kType.size() || !equal_names(content_type.substr(0, kType.size()), kType)) return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t count = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + (c - '0');
  }
  using namespace std::chrono;
  switch (text.back()) {
    case 'H':
      return hours(std::min<std::int64_t>(count, 1'000'000));  // more does not fit nanoseconds
    case 'M':
      return minutes(count);
    case 'S':
      return seconds(count);
    case 'm':
      return milliseconds(count);
    case 'u':
      return microseconds(count);
    case 'n':
      return nanoseconds(count);
    default:
      return std::nullopt;
  }
}

std::string_view grpc_status_in(const Fields& head, std::string_view from_trailers) {
  const std::string_view status = from_trailers.empty() ? head.get("grpc-status") : from_trailers;
  const bool number = status.size() <= 3 && (status.size() == 1 || !status.starts_with('0')) &&
                      std::ranges::all_of(status, [](char c) { return c >= '0' && c <= '9'; });
  return number ? status : std::string_view();
}

std::string_view grpc_status_of(int http_status) {
  switch (http_status) {
    case 400:
      return "13";  // INTERNAL
    case 401:
      return "16";  // UNAUTHENTICATED
    case 403:
      return "7";  // PERMISSION_DENIED
    case 404:
      return "12";  // UNIMPLEMENTED
    case 429:
      return "8";  // RESOURCE_EXHAUSTED
    case 502:
    case 503:
      return "14";  // UNAVAILABLE
    case 504:
      return "4";  // DEADLINE_EXCEEDED
    default:
      return "2";  // UNKNOWN
  }
}

std::string_view grpc_message(std::string_view text, Arena& arena) {
  char* const start = arena.reserve(text.size() * 3);
  char* to = start;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      *to++ = c;
    } else {
      to = put_escape(to, c);
    }
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(text.size() * 3 - size);
  return {start, size};
}

}  // namespace gatehouse::http
