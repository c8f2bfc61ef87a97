#include <array>
#include <cstring>

#include "base/percent.h"
#include "http/chars.h"
#include "http/head.h"

namespace gatehouse::http {
namespace {

enum : std::uint8_t { kPlain, kLook, kBad };

/// What a raw byte means to normalise_path: nothing, a reason to look closer, or an error.
constexpr std::array<std::uint8_t, 256> kPathByte = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c <= 0x20; ++c) table[c] = kBad;  // a space would end the request line that is forwarded
  table[0x7f] = table['\\'] = table['#'] = kBad;
  table['%'] = table['/'] = kLook;
  return table;
}();

std::unexpected<Error> bad(const char* detail) {
  return fail(Error{.reason = Reason::bad_request, .source = Source::downstream, .detail = detail});
}

/// Builds the normalised path in a buffer of raw.size() bytes, which is enough: nothing grows.
class PathBuilder {
 public:
  explicit PathBuilder(char* out) : out_(out) {}

  /// Ends the segment that stands after the last slash (RFC 3986 section 5.2.4). False where it climbs above the root.
  bool end_segment(bool slash_follows) {
    const std::string_view segment(out_ + start_, size_ - start_);
    if (segment == ".") {
      size_ = start_;
      changed_ = true;
      return true;
    }
    if (segment == "..") {
      if (start_ <= 1) return false;
      size_ = start_ - 1;
      while (out_[size_ - 1] != '/') --size_;
      start_ = size_;
      changed_ = true;
      return true;
    }
    if (slash_follows) {
      out_[size_++] = '/';
      start_ = size_;
    }
    return true;
  }
  void put(char c) { out_[size_++] = c; }
  void merge_slashes() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (out_[i] == '/' && kept != 0 && out_[kept - 1] == '/') continue;
      out_[kept++] = out_[i];
    }
    changed_ = changed_ || kept != size_;
    size_ = kept;
  }
  std::size_t size() const { return size_; }
  bool changed() const { return changed_; }

 private:
  char* out_;
  std::size_t size_ = 0;
  std::size_t start_ = 0;
  bool changed_ = false;
};

Result<NormalisedPath> rebuild(std::string_view raw, Arena& arena) {
  char* const out = arena.reserve(raw.size());
  PathBuilder path(out);
  path.end_segment(true);
  for (std::size_t i = 1; i < raw.size(); ++i) {
    const char c = raw[i];
    if (kPathByte[static_cast<unsigned char>(c)] == kBad) return bad("control character, backslash or # in the path");
    if (c == '/') {
      if (!path.end_segment(true)) return bad("the path climbs above the root");
    } else if (c != '%') {
      path.put(c);
    } else {
      const int byte = percent_decoded(raw.substr(i));
      if (byte < 0) return bad("bad escape in the path");
      if (byte == 0) return bad("NUL in the path");
      if (is_unreserved(static_cast<char>(byte))) {
        path.put(static_cast<char>(byte));
      } else {
        char upper[3];  // RFC 3986 section 6.2.2.1: %2f is %2F
        put_escape(upper, static_cast<char>(byte));
        for (const char each : upper) path.put(each);
      }
      i += 2;
    }
  }
  if (!path.end_segment(false)) return bad("the path climbs above the root");
  path.merge_slashes();
  arena.take_back(raw.size() - path.size());
  const std::string_view text(out, path.size());
  return NormalisedPath{text == raw ? raw : text, path.changed()};
}

}  // namespace

Result<NormalisedPath> normalise_path(std::string_view raw, Arena& arena) {
  if (raw.empty() || raw.front() != '/') return bad("the path does not start with /");
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const std::uint8_t kind = kPathByte[static_cast<unsigned char>(raw[i])];
    if (kind == kPlain) continue;
    if (kind == kBad) return bad("control character, backslash or # in the path");
    if (raw[i] == '%') return rebuild(raw, arena);
    if (i + 1 < raw.size() && (raw[i + 1] == '/' || raw[i + 1] == '.')) return rebuild(raw, arena);
  }
  return NormalisedPath{raw, false};
}

std::string_view percent_decode(std::string_view text, Arena& arena) {
  const std::size_t first = text.find('%');
  if (first == std::string_view::npos) return text;
  char* const out = arena.reserve(text.size());
  std::memcpy(out, text.data(), first);
  std::size_t size = first;
  for (std::size_t i = first; i < text.size(); ++i) {
    const int byte = percent_decoded(text.substr(i));
    if (byte < 0) {
      out[size++] = text[i];
    } else {
      out[size++] = static_cast<char>(byte);
      i += 2;
    }
  }
  arena.take_back(text.size() - size);
  return {out, size};
}

}  // namespace gatehouse::http
