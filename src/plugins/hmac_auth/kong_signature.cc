#include "plugins/hmac_auth/kong_signature.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <span>

#include "base/base64.h"
#include "plugins/common/lower_case.h"
#include "plugins/hmac_auth/field_values.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using plugin::Exchange;

constexpr std::size_t kMostHeaders = 64;
constexpr std::string_view kAlgorithms[] = {"hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"};

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

/// Takes `name="value"`, value without quotes and backslashes.
bool take_part(std::string_view& text, std::string_view name, std::string_view& value) {
  skip_spaces(text);
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  if (!text.starts_with("=\"")) return false;
  text.remove_prefix(2);
  const std::size_t end = text.find('"');
  if (end == std::string_view::npos || end == 0) return false;
  value = text.substr(0, end);
  text.remove_prefix(end + 1);
  skip_spaces(text);
  return value.find('\\') == std::string_view::npos;
}

bool take_comma(std::string_view& text) {
  if (!text.starts_with(',')) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes the word before the first space off a list.
std::string_view next_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

bool lists(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    if (http::equal_names(next_word(list), name)) return true;
  }
  return false;
}

std::string_view request_line(const Exchange& x) {
  const http::RequestHead& request = x.request;
  const char version[] = {static_cast<char>('0' + request.major), '.', static_cast<char>('0' + request.minor)};
  return x.arena.concat(request.method_text, " ", request.target, " HTTP/", std::string_view(version, sizeof version));
}

std::string_view request_target(const Exchange& x) {
  return x.arena.concat("@request-target: ", lower_case(x.request.method_text, x.arena), " ", x.request.target);
}

/// The text that is signed; "" and `fault` set where it cannot be made.
std::string_view signed_text(const Exchange& x, std::string_view headers, std::string_view& fault) {
  std::string_view lines[kMostHeaders];
  std::size_t count = 0, size = 0;
  for (std::string_view rest = headers; !rest.empty();) {
    const std::string_view name = next_word(rest);
    if (count == kMostHeaders) {
      fault = "the signature covers more than 64 headers";
      return {};
    }
    std::string_view& line = lines[count++];
    std::string_view value;
    if (name == "request-line") {
      line = request_line(x);
    } else if (name == "@request-target") {
      line = request_target(x);
    } else if (http::is_token(name) && joined_values(x, name, value)) {
      line = x.arena.concat(name, ": ", value);
    } else {
      fault = "a header that the signature covers is not there";
      return {};
    }
    size += line.size() + 1;
  }
  char* const start = x.arena.reserve(size);
  char* to = start;
  for (const std::string_view line : std::span(lines, count)) {
    if (to != start) *to++ = '\n';
    to = std::ranges::copy(line, to).out;
  }
  return {start, static_cast<std::size_t>(to - start)};
}

/// Why the request's time is not good; "" where it is.
std::string_view date_fault(const Exchange& x, std::string_view headers, const KongRules& rules, std::int64_t now_s) {
  for (const std::string_view name : {"x-date", "date"}) {
    std::string_view value;
    if (!joined_values(x, name, value)) continue;
    if (!lists(headers, name)) return "the signature must cover the date";
    const std::optional<std::int64_t> date = parse_http_date(value);
    if (!date) return "the date is not well-formed";
    return *date > now_s + rules.skew_s || *date < now_s - rules.skew_s ? "the date is too far from now" : "";
  }
  return "a date or x-date header is needed";
}

}  // namespace

std::optional<KongSignature> parse_kong_signature(std::string_view value, Arena& arena, bool& ours) {
  const std::size_t end = std::min(value.find(' '), value.size());
  ours = http::equal_names(value.substr(0, end), "hmac");
  if (!ours) return std::nullopt;
  value.remove_prefix(end);
  KongSignature parts;
  std::string_view signature;
  const bool good = take_part(value, "username", parts.username) && take_comma(value) &&
                    take_part(value, "algorithm", parts.algorithm) && take_comma(value) &&
                    take_part(value, "headers", parts.headers) && take_comma(value) &&
                    take_part(value, "signature", signature) && value.empty();
  if (!good) return std::nullopt;
  char* const bytes = arena.reserve(base64_room(signature.size()));
  const std::size_t size = base64_decode(signature, bytes);
  if (size == std::string_view::npos) return std::nullopt;
  parts.signature = {bytes, size};
  return parts;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::string_view kShape = "XXX, 00 XXX 0000 00:00:00 GMT";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : kShape[i] != 'X' && kShape[i] != text[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  const auto* const month_at = std::ranges::find(kMonths, text.substr(8, 3));
  const year_month_day date(year(number(12, 4)), month(static_cast<unsigned>(month_at - kMonths) + 1),
                            day(static_cast<unsigned>(number(5, 2))));
  const int h = number(17, 2), m = number(20, 2), s = number(23, 2);
  if (month_at == std::end(kMonths) || !date.ok() || h > 23 || m > 59 || s > 60) return std::nullopt;
  const sys_days days = date;
  if (kDays[weekday(days).c_encoding()] != text.substr(0, 3)) return std::nullopt;
  return days.time_since_epoch().count() * std::int64_t{86'400} + h * 3'600 + m * 60 + s;
}

Checked check_kong_signature(const Exchange& x, const SecretTable& secrets, const KongRules& rules,
                             std::int64_t now_s) {
  std::optional<KongSignature> found;
  int count = 0;
  for (const http::Field& field : x.request.fields) {
    const bool place = field.id == http::FieldId::authorization || field.id == http::FieldId::proxy_authorization;
    if (field.removed || !place) continue;
    bool ours = false;
    const std::optional<KongSignature> one = parse_kong_signature(field.value, x.arena, ours);
    if (!ours) continue;
    ++count;
    found = one;
  }
  if (count == 0) return {.missing = true};
  if (count > 1) return {.fault = "there is more than one signature"};
  if (!found) return {.fault = "the signature's header is not well-formed"};

  const auto* const algorithm = std::ranges::find(kAlgorithms, found->algorithm);
  const auto kind = static_cast<std::size_t>(algorithm - kAlgorithms);
  if (algorithm == std::end(kAlgorithms) || !rules.algorithms[kind])
    return {.fault = "the signature's algorithm is not allowed"};
  for (const std::string& name : rules.required) {
    if (!lists(found->headers, name)) return {.fault = x.arena.concat("the signature must cover \"", name, "\"")};
  }
  if (rules.require_body && x.request.framing.has_body() && !lists(found->headers, "digest"))
    return {.fault = "the signature must cover \"digest\", since there is a body"};
  if (const std::string_view fault = date_fault(x, found->headers, rules, now_s); !fault.empty())
    return {.fault = fault};
  std::string_view fault;
  const std::string_view text = signed_text(x, found->headers, fault);
  if (!fault.empty()) return {.fault = fault};
  const SecretTable::Secret& secret = secrets.find(found->username);
  if (!is_signed(secret, static_cast<HashKind>(kind), text, found->signature))
    return {.fault = "the signature is wrong"};
  return {.credential = secret.credential};
}

}  // namespace gatehouse::plugins::hmac_auth
