#include "plugins/request_termination/echo.h"

#include <algorithm>

#include "base/json_string.h"

namespace gatehouse::plugins::request_termination {
namespace {

/// Writes JSON to a buffer that is known to be large enough.
class Writer {
 public:
  explicit Writer(char* to) : to_(to) {}
  void raw(std::string_view text) { to_ = std::copy(text.begin(), text.end(), to_); }
  void string(std::string_view text) {
    *to_++ = '"';
    to_ = put_json_escaped(to_, text);
    *to_++ = '"';
  }
  void member(std::string_view name, std::string_view value) {
    string(name);
    raw(": ");
    string(value);
  }
  char* end() const { return to_; }

 private:
  char* to_;
};

/// The member of the name of `first`, which is the first of it: with a list where more lines of it follow.
void write_field(Writer& writer, const http::Fields& fields, const http::Field& first) {
  const auto same = [&](const http::Field& other) {
    return !other.removed && http::equal_names(other.name, first.name);
  };
  writer.string(first.name);
  writer.raw(": ");
  if (std::none_of(&first + 1, fields.end(), same)) return writer.string(first.value);
  const char* before = "[";
  for (const http::Field* each = &first; each != fields.end(); ++each) {
    if (!same(*each)) continue;
    writer.raw(before);
    writer.string(each->value);
    before = ", ";
  }
  writer.raw("]");
}

void write_fields(Writer& writer, const http::Fields& fields) {
  const char* before = "{";
  for (const http::Field& field : fields) {
    const auto same = [&](const http::Field& other) {
      return !other.removed && http::equal_names(other.name, field.name);
    };
    if (field.removed || std::any_of(fields.begin(), &field, same)) continue;
    writer.raw(before);
    write_field(writer, fields, field);
    before = ", ";
  }
  writer.raw(before[0] == '{' ? "{}" : "}");
}

}  // namespace

std::string_view echo_of(plugin::Exchange& exchange, std::string_view message) {
  const http::RequestHead& request = exchange.request;
  std::size_t text = message.size() + request.method_text.size() + request.authority.size() + request.path.size() +
                     request.query.size() + exchange.route.size() + exchange.service.size();
  std::size_t marks = 256;  // names, quotes and brackets of the document itself
  for (const http::Field& field : request.fields) {
    text += field.name.size() + field.value.size();
    marks += 12;
  }
  const std::size_t most = text * kMostJsonBytes + marks;
  char* const start = exchange.arena.reserve(most);
  Writer writer(start);
  writer.raw("{");
  writer.member("message", message);
  writer.raw(", \"request\": {");
  writer.member("method", request.method_text);
  writer.raw(", ");
  writer.member("scheme", exchange.https ? "https" : "http");
  writer.raw(", ");
  writer.member("host", request.authority);
  writer.raw(", ");
  writer.member("path", request.path);
  writer.raw(", ");
  writer.member("query", request.query);
  writer.raw(", \"headers\": ");
  write_fields(writer, request.fields);
  writer.raw("}, ");
  writer.member("route", exchange.route);
  writer.raw(", ");
  writer.member("service", exchange.service);
  writer.raw("}\n");
  const auto size = static_cast<std::size_t>(writer.end() - start);
  exchange.arena.take_back(most - size);
  return {start, size};
}

}  // namespace gatehouse::plugins::request_termination
