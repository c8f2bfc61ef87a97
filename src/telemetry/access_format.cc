#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "telemetry/access_log.h"
#include "telemetry/line_writer.h"
#include "telemetry/secret_names.h"

namespace gatehouse::telemetry {
namespace {

/// The fields in the order of the JSON form.
enum class Field : std::uint8_t {
  ts,
  request_id,
  trace_id,
  client_ip,
  method,
  host,
  path,
  protocol,
  status,
  reason,
  route,
  service,
  target,
  consumer,
  bytes_in,
  bytes_out,
  duration_ms,
  upstream_ms,
  tries,
  client_subject,
  client_fingerprint,
  grpc_status,
  claims,
};
constexpr std::array<std::string_view, 23> kFieldNames{
    "ts",          "request_id", "trace_id",    "client_ip",   "method",  "host",           "path",
    "protocol",    "status",     "reason",      "route",       "service", "target",         "consumer",
    "bytes_in",    "bytes_out",  "duration_ms", "upstream_ms", "tries",   "client_subject", "client_fingerprint",
    "grpc_status", "claims"};
static_assert(kFieldNames.size() == static_cast<std::size_t>(Field::claims) + 1);

/// RFC 3339 in UTC with milliseconds. The text of a second is made once by each thread, not once a record.
void write_time(LineWriter& out, std::int64_t time_us) {
  struct Cache {
    std::int64_t second = std::numeric_limits<std::int64_t>::min();
    std::array<char, 20> text;  // "2026-01-02T03:04:05."
  };
  thread_local Cache cache;
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(time_us)};
  const auto second = floor<seconds>(time);
  if (cache.second != second.time_since_epoch().count()) {
    const auto day = floor<days>(second);
    const year_month_day date(day);
    const hh_mm_ss clock(second - day);
    const auto digits = [](std::size_t at, int count, int value) {
      for (int i = count - 1; i >= 0; --i, value /= 10) {
        cache.text[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
      }
    };
    std::ranges::copy(std::string_view("0000-00-00T00:00:00."), cache.text.begin());
    digits(0, 4, std::clamp(static_cast<int>(date.year()), 0, 9999));
    digits(5, 2, static_cast<int>(static_cast<unsigned>(date.month())));
    digits(8, 2, static_cast<int>(static_cast<unsigned>(date.day())));
    digits(11, 2, static_cast<int>(clock.hours().count()));
    digits(14, 2, static_cast<int>(clock.minutes().count()));
    digits(17, 2, static_cast<int>(clock.seconds().count()));
    cache.second = second.time_since_epoch().count();
  }
  const auto ms = static_cast<int>(duration_cast<milliseconds>(time - second).count());
  const char rest[4] = {static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10),
                        static_cast<char>('0' + ms % 10), 'Z'};
  out.text({cache.text.data(), cache.text.size()});
  out.text({rest, sizeof rest});
}

/// Calls `emit` for the parts of `path` with *** in the place of each secret.
template <class Emit>
void each_shown_part(const SecretNames& secrets, std::string_view path, Emit&& emit) {
  std::size_t shown = 0;
  if (path.find('?') != std::string_view::npos || !path.starts_with('/')) {
    for (auto range = secrets.next(path, 0); range.found(); range = secrets.next(path, range.end)) {
      emit(path.substr(shown, range.begin - shown));
      emit("***");
      shown = range.end;
    }
  }
  emit(path.substr(shown));
}

/// An address as text, "" for none.
class AddressText {
 public:
  explicit AddressText(const IpAddress& address) : size_(address.unspecified() ? 0 : address.write(text_.data())) {}
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, IpAddress::kMaxText> text_;
  std::size_t size_;
};

class JsonFormat final : public AccessFormat {
 public:
  explicit JsonFormat(std::span<const std::string> secret_names) : secrets_(secret_names) {}

  std::size_t write(const AccessRecord& r, char* to, std::size_t size) const override {
    LineWriter out(to, size);
    out.text("{\"ts\":\"");
    write_time(out, r.time_us);
    string(out, "\",\"request_id\":\"", r.request_id);
    string(out, "\",\"trace_id\":\"", r.trace_id);
    out.text("\",\"client_ip\":\"");
    out.text(AddressText(r.client_ip).view());
    string(out, "\",\"method\":\"", r.method);
    string(out, "\",\"host\":\"", r.host);
    out.text("\",\"path\":\"");
    each_shown_part(secrets_, r.path, [&out](std::string_view part) { out.json(part); });
    string(out, "\",\"protocol\":\"", r.protocol);
    out.text("\",\"status\":");
    out.number(static_cast<std::uint64_t>(std::max(r.status, 0)));
    string(out, ",\"reason\":\"", r.reason);
    string(out, "\",\"route\":\"", r.route);
    string(out, "\",\"service\":\"", r.service);
    string(out, "\",\"target\":\"", r.target);
    string(out, "\",\"consumer\":\"", r.consumer);
    out.text("\",\"bytes_in\":");
    out.number(r.bytes_in);
    out.text(",\"bytes_out\":");
    out.number(r.bytes_out);
    out.text(",\"duration_ms\":");
    out.millis(r.duration_us);
    out.text(",\"upstream_ms\":");
    if (r.upstream_us == std::numeric_limits<std::uint64_t>::max()) {
      out.text("null");
    } else {
      out.millis(r.upstream_us);
    }
    out.text(",\"tries\":");
    out.number(r.tries);
    if (!r.client_fingerprint.empty()) {
      string(out, ",\"client_subject\":\"", r.client_subject);
      string(out, "\",\"client_fingerprint\":\"", r.client_fingerprint);
      out.text("\"");
    }
    if (!r.grpc_status.empty()) {
      out.text(",\"grpc_status\":");
      out.text(r.grpc_status);
    }
    if (!r.claims.empty()) claims(out, r.claims);
    out.text("}\n");
    return out.full() ? 0 : out.size();
  }

 private:
  static void claims(LineWriter& out, std::span<const LoggedClaim> all) {
    std::string_view before = ",\"claims\":{\"";
    for (const LoggedClaim& claim : all) {
      string(out, before, claim.name);
      string(out, "\":\"", claim.value);
      before = "\",\"";
    }
    out.text("\"}");
  }
  static void string(LineWriter& out, std::string_view before, std::string_view value) {
    out.text(before);
    out.json(value);
  }
  SecretNames secrets_;
};

class TemplateFormat final : public AccessFormat {
 public:
  struct Part {
    std::string before;
    Field field;
  };
  TemplateFormat(std::vector<Part> parts, std::string after, std::span<const std::string> secret_names)
      : parts_(std::move(parts)), after_(std::move(after)), secrets_(secret_names) {}

  std::size_t write(const AccessRecord& record, char* to, std::size_t size) const override {
    LineWriter out(to, size);
    for (const Part& part : parts_) {
      out.text(part.before);
      value(out, part.field, record);
    }
    out.text(after_);
    out.text("\n");
    return out.full() ? 0 : out.size();
  }

 private:
  static void word(LineWriter& out, std::string_view text) {
    if (text.empty()) {
      out.text("-");
    } else {
      out.visible(text);
    }
  }
  static void claims(LineWriter& out, std::span<const LoggedClaim> all) {
    if (all.empty()) return word(out, "");
    std::string_view before = "";
    for (const LoggedClaim& claim : all) {
      out.text(before);
      out.visible(claim.name);
      out.text("=");
      out.visible(claim.value);
      before = ",";
    }
  }
  void value(LineWriter& out, Field field, const AccessRecord& r) const {
    switch (field) {
      case Field::ts:
        return write_time(out, r.time_us);
      case Field::request_id:
        return word(out, r.request_id);
      case Field::trace_id:
        return word(out, r.trace_id);
      case Field::client_ip:
        return word(out, AddressText(r.client_ip).view());
      case Field::method:
        return word(out, r.method);
      case Field::host:
        return word(out, r.host);
      case Field::path:
        if (r.path.empty()) return word(out, "");
        return each_shown_part(secrets_, r.path, [&out](std::string_view part) { out.visible(part); });
      case Field::protocol:
        return word(out, r.protocol);
      case Field::status:
        return out.number(static_cast<std::uint64_t>(std::max(r.status, 0)));
      case Field::reason:
        return word(out, r.reason);
      case Field::route:
        return word(out, r.route);
      case Field::service:
        return word(out, r.service);
      case Field::target:
        return word(out, r.target);
      case Field::consumer:
        return word(out, r.consumer);
      case Field::bytes_in:
        return out.number(r.bytes_in);
      case Field::bytes_out:
        return out.number(r.bytes_out);
      case Field::duration_ms:
        return out.millis(r.duration_us);
      case Field::upstream_ms:
        if (r.upstream_us == std::numeric_limits<std::uint64_t>::max()) return word(out, "");
        return out.millis(r.upstream_us);
      case Field::tries:
        return out.number(r.tries);
      case Field::client_subject:
        return word(out, r.client_subject);
      case Field::client_fingerprint:
        return word(out, r.client_fingerprint);
      case Field::grpc_status:
        return word(out, r.grpc_status);
      case Field::claims:
        return claims(out, r.claims);
    }
  }

  std::vector<Part> parts_;
  std::string after_;
  SecretNames secrets_;
};

/// Levenshtein's distance.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

std::string unknown_field(std::string_view name) {
  const auto nearest = std::ranges::min_element(kFieldNames, {}, [name](std::string_view f) { return edits(name, f); });
  if (name.size() <= 64 && edits(name, *nearest) <= std::max<std::size_t>(2, name.size() / 3)) {
    return fmt::format("unknown field ${} in the access log format, did you mean ${}?", name, *nearest);
  }
  return fmt::format("unknown field ${} in the access log format; there are ${}", name, fmt::join(kFieldNames, ", $"));
}

std::unique_ptr<AccessFormat> parse_template(std::string_view format, std::string& error,
                                             std::span<const std::string> secret_names) {
  constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  std::vector<TemplateFormat::Part> parts;
  std::string literal;
  for (std::size_t at = 0; at < format.size();) {
    const char c = format[at];
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      error = fmt::format("the access log format must be one line without control characters, byte {} is 0x{:02x}", at,
                          byte);
      return nullptr;
    }
    if (c != '$') {
      literal += c;
      ++at;
      continue;
    }
    if (format.substr(at, 2) == "$$") {
      literal += '$';
      at += 2;
      continue;
    }
    const bool braced = format.substr(at, 2) == "${";
    const std::size_t begin = at + (braced ? 2 : 1);
    const std::size_t end = std::min(format.find_first_not_of(kNameBytes, begin), format.size());
    const std::string_view name = format.substr(begin, end - begin);
    if (name.empty() || (braced && format.substr(end, 1) != "}")) {
      error =
          fmt::format("$ at byte {} of the access log format must be followed by a field's name, or written $$", at);
      return nullptr;
    }
    const auto field = std::ranges::find(kFieldNames, name);
    if (field == kFieldNames.end()) {
      error = unknown_field(name);
      return nullptr;
    }
    parts.push_back({std::exchange(literal, {}), static_cast<Field>(field - kFieldNames.begin())});
    at = end + (braced ? 1 : 0);
  }
  if (parts.empty()) {
    error = fmt::format("the access log format must be json or a text with fields such as $status, got \"{}\"", format);
    return nullptr;
  }
  return std::make_unique<TemplateFormat>(std::move(parts), std::move(literal), secret_names);
}

}  // namespace

std::unique_ptr<AccessFormat> make_access_format(std::string_view format, std::string& error,
                                                 std::span<const std::string> secret_names) {
  error.clear();
  if (format == "json") return std::make_unique<JsonFormat>(secret_names);
  return parse_template(format, error, secret_names);
}

}  // namespace gatehouse::telemetry
