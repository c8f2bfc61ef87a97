// A request's path: normalised by the product and by a slow model of semantics.md, "Normalisation".
#include <optional>

#include "fuzz/fuzz.h"
#include "http/head.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
bool unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// Escapes of unreserved characters decoded, the others in upper case; nullopt for what is refused.
std::optional<std::string> decode_unreserved(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c <= 0x20 || c == 0x7f || c == '\\' || c == '#') return std::nullopt;
    if (c != '%') {
      out += raw[i];
      continue;
    }
    if (i + 2 >= raw.size() || hex(raw[i + 1]) < 0 || hex(raw[i + 2]) < 0) return std::nullopt;
    const int byte = hex(raw[i + 1]) * 16 + hex(raw[i + 2]);
    if (byte == 0) return std::nullopt;
    if (unreserved(byte)) {
      out += static_cast<char>(byte);
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out += {'%', kDigits[static_cast<std::size_t>(byte / 16)], kDigits[static_cast<std::size_t>(byte % 16)]};
    }
    i += 2;
  }
  return out;
}

struct Expected {
  std::string path;
  bool segments_changed = false;
};

/// Dot segments as RFC 3986 section 5.2.4 removes them, then slashes merged.
std::optional<Expected> model(std::string_view raw) {
  const std::optional<std::string> decoded = decode_unreserved(raw);
  if (!decoded || !decoded->starts_with('/')) return std::nullopt;
  std::vector<std::string_view> kept;
  const std::vector<std::string_view> segments = split(std::string_view(*decoded).substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (segments[i] == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (segments[i] != ".") {
      kept.push_back(segments[i]);
      continue;
    }
    if (last) kept.emplace_back();  // "/a/." and "/a/b/.." are "/a/"
  }
  Expected expected;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].empty() && i + 1 != kept.size()) continue;
    expected.path += '/';
    expected.path += kept[i];
  }
  if (expected.path.empty()) expected.path = "/";
  expected.segments_changed = expected.path != *decoded;
  return expected;
}

void check_clean(const http::NormalisedPath& done, std::string_view raw) {
  require(done.path.starts_with('/') && done.path.size() <= raw.size(), "a path, no longer than before");
  require(done.path.find("//") == std::string_view::npos, "no empty segment but the last");
  for (const std::string_view segment : split(done.path, '/')) {
    require(segment != "." && segment != "..", "no dot segment");
  }
  Arena arena;
  const auto again = http::normalise_path(done.path, arena);
  require(again.has_value(), "a normalised path is valid");
  require_equal(again->path, done.path, "normalising twice changes nothing");
  require(!again->segments_changed, "nothing is left to change");
  if (done.path == raw) require(done.path.data() == raw.data(), "what is unchanged is not copied");
  if (!done.segments_changed) {
    require_equal(http::percent_decode(raw, arena), http::percent_decode(done.path, arena), "only escapes differ");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw = as_text(data, size);
  Arena arena;
  const auto done = http::normalise_path(raw, arena);
  const std::optional<Expected> expected = model(raw);
  require(done.has_value() == expected.has_value(), "refused by both or by none");
  if (!done) {
    require(done.error().reason == Reason::bad_request && *done.error().detail != '\0', "a refusal says why");
    return 0;
  }
  require_equal(done->path, expected->path, "as the model has it");
  require(done->segments_changed == expected->segments_changed, "changed as the model has it");
  check_clean(*done, raw);
  return 0;
}
