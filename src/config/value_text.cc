#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/number.h"
#include "config/value_kinds.h"

namespace gatehouse::config {
namespace {

struct Unit {
  std::string_view word;
  std::uint64_t size;
};
constexpr Unit kDurationUnits[] = {{"ns", 1},
                                   {"us", 1'000},
                                   {"ms", 1'000'000},
                                   {"s", 1'000'000'000},
                                   {"m", 60'000'000'000},
                                   {"h", 3'600'000'000'000},
                                   {"d", 86'400'000'000'000}};
constexpr Unit kByteUnits[] = {
    {"B", 1},      {"KiB", 1ull << 10}, {"MiB", 1ull << 20},  {"GiB", 1ull << 30}, {"TiB", 1ull << 40},
    {"KB", 1'000}, {"MB", 1'000'000},   {"GB", 1'000'000'000}};

/// A decimal number and a unit of `units`; `bare` is the unit of a number alone. nullopt also beyond 2^63.
template <std::size_t N>
std::optional<std::uint64_t> scaled(std::string_view text, const Unit (&units)[N], std::uint64_t bare) {
  std::size_t digits = 0;
  while (digits < text.size() && (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.'))
    ++digits;
  if (digits == 0 || digits > 20) return std::nullopt;
  const std::string_view number = text.substr(0, digits), unit = text.substr(digits);
  std::uint64_t size = bare;
  if (!unit.empty()) {
    const auto found = std::ranges::find(units, unit, &Unit::word);
    if (found == std::end(units)) return std::nullopt;
    size = found->size;
  }
  constexpr std::uint64_t kMost = INT64_MAX;
  std::uint64_t whole = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (fault != std::errc() || whole > kMost / size) return std::nullopt;
  if (end == number.data() + number.size()) return whole * size;
  const auto value = parse_number<double>(number);
  if (!value || number.ends_with('.')) return std::nullopt;
  const double product = *value * static_cast<double>(size);
  if (product >= 9.2e18 || product != std::floor(product)) return std::nullopt;
  return static_cast<std::uint64_t>(product);
}

/// With the largest unit that divides `value`.
template <std::size_t N>
std::string shortest(std::uint64_t value, const Unit (&units)[N], std::size_t first, std::size_t last) {
  std::size_t best = first;
  for (std::size_t i = first; i <= last; ++i) {
    if (value >= units[i].size && value % units[i].size == 0) best = i;
  }
  return std::to_string(value / units[best].size) + std::string(units[best].word);
}

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto value = scaled(text, kDurationUnits, 1'000'000'000);
  if (!value) return std::nullopt;
  return Duration(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return scaled(text, kByteUnits, 1);
}

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto period = std::ranges::find(kPeriodNames, text.substr(slash + 1));
  Rate rate;
  rate.most = parse_number<decltype(rate.most)>(text.substr(0, slash)).value_or(0);
  if (rate.most == 0 || rate.most > kMostInPeriod || period == std::end(kPeriodNames)) return std::nullopt;
  rate.period = static_cast<Period>(period - std::begin(kPeriodNames));
  return rate;
}

std::string rate_text(const Rate& rate) {
  return std::to_string(rate.most) + "/" + std::string(kPeriodNames[static_cast<std::size_t>(rate.period)]);
}

std::optional<double> parse_percentage(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  const auto value = parse_number<double>(text);
  return value && *value >= 0 && *value <= 100 ? value : std::nullopt;
}

std::string duration_text(Duration value) {
  if (value == kOff) return "off";
  if (value.count() == 0) return "0s";
  return shortest(static_cast<std::uint64_t>(value.count()), kDurationUnits, 0, 6);
}

std::string bytes_text(std::uint64_t value) {
  if (value == UINT64_MAX) return "off";
  return shortest(value, kByteUnits, 0, 4);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

std::string check_name(std::string_view text) {
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && std::ranges::all_of(text, good) ? ""
                                                          : "must be a name of letters, digits, \".\", \"_\" and \"-\"";
}

std::string check_header_name(std::string_view text, bool settable) {
  if (text.empty() || !std::ranges::all_of(text, is_token)) return "must be a header name";
  const std::string low = lower(text);
  if (settable && (low == "content-length" || low == "transfer-encoding" || low == "connection")) {
    return "must not name " + std::string(text) + ", which the gateway alone sets";
  }
  return "";
}

std::string check_header_value(std::string_view text) {
  const auto bad = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  return std::ranges::any_of(text, bad) ? "must not contain control characters" : "";
}

std::string check_told(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (text.empty()) return "must not be empty";
  if (is_blank(text.front()) || is_blank(text.back())) return "must not begin or end with a space";
  return check_header_value(text);
}

std::string check_regex(std::string_view pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(1 << 20);
  const RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options);
  return regex.ok() ? "" : regex.error();
}

}  // namespace gatehouse::config
