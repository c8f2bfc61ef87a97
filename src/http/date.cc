#include "http/date.h"

#include <ctime>

namespace gatehouse::http {

std::string_view http_date(std::int64_t wall_us) {
  thread_local std::int64_t second = -1;
  thread_local char text[40];
  if (const std::int64_t now = wall_us / 1'000'000; now != second) {
    second = now;
    const std::time_t time = now;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return text;
}

}  // namespace gatehouse::http
